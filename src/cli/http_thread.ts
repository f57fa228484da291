/** Entry of an HTTP thread: one listener on the shared port, one read-only view of the stores. */
import type { ServerSettings } from "../config/settings.ts";
import { createHandler } from "../http/handle.ts";
import { HttpServer } from "../server/http_server.ts";
import { JsonLog } from "../server/json_log.ts";
import type { ConnectionLimits } from "../server/limits.ts";
import { LogBatch } from "./log_batch.ts";
import type { FromHttp, StartHttp, ToHttp } from "./thread_messages.ts";
import { anonymousOnly, makeRegistry, openStores } from "./wire.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: FromHttp): void;
};

thread.onmessage = async ({ data }: MessageEvent<StartHttp>) => {
  const { settings, threads } = data;
  const batch = new LogBatch((lines) => thread.postMessage({ kind: "log", lines }));
  const log = new JsonLog(batch.write, data.logLevel);
  // A fault that no request owns must not take the others' connections with it.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: event.reason });
  });
  const registry = makeRegistry(settings, openStores(settings, data.writer, 1 / threads), log);
  const server = new HttpServer({
    handle: createHandler({ registry, authenticator: anonymousOnly }),
    limits: limitsOf(settings.server, threads),
    log,
    tls: settings.server.tls,
  });
  thread.onmessage = async ({ data }: MessageEvent<ToHttp>) => {
    await server.drain(data.timeoutMs);
    batch.flush();
    thread.postMessage({ kind: "drained" });
  };
  try {
    const port = await server.listen(settings.server.bindAddress, data.port);
    thread.postMessage({ kind: "listening", port });
  } catch (error) {
    thread.postMessage({ kind: "failed", reason: (error as Error).message });
  }
};

function limitsOf(server: ServerSettings, threads: number): ConnectionLimits {
  return {
    handshakeTimeoutMs: server.handshakeTimeoutMs,
    headersTimeoutMs: server.headersTimeoutMs,
    idleTimeoutMs: server.idleTimeoutMs,
    minimumBodyRate: server.minimumBodyRate,
    bodyWindowMs: server.bodyStallTimeoutMs,
    maxConnections: Math.ceil(server.maxConnections / threads),
  };
}
