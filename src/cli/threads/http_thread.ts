/** Entry of an HTTP thread: one listener on the shared port, one read-only view of the stores. */
import type { PasswordAnswer, PasswordChecker, PasswordQuestion } from "../../auth/password_check.ts";
import type { ListenAddress, ServerSettings, Settings, TlsSettings } from "../../config/settings.ts";
import { watchThread } from "../../metrics/watch_thread.ts";
import { ThreadMetrics } from "../../metrics/thread_metrics.ts";
import { PullCounter } from "../../registry/pull_counter.ts";
import { LocalManifestReader } from "../../registry/read_manifest.ts";
import { serveMetricsOnly } from "../../http/serve_metrics_only.ts";
import { HttpServer } from "../../server/http_server.ts";
import type { TlsKeyPair } from "../../server/node_server.ts";
import { JsonLog } from "../../server/json_log.ts";
import type { ConnectionLimits } from "../../server/limits.ts";
import { describeListenFault } from "./listen_fault.ts";
import { faultOf } from "./fault_of.ts";
import { LogBatch } from "./log_batch.ts";
import type { FromHttp, NeededThread, StartHttp, ToHttp } from "./thread_messages.ts";
import { PortCalls } from "./port_calls.ts";
import { RemoteManifestReader } from "./remote_manifest_reader.ts";
import { RemoteMirrors } from "./remote_mirrors.ts";
import { RemoteSessionHashes } from "./remote_session_hashes.ts";
import { RequestService } from "../request_service.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import { RemovalHold } from "../../storage/files/removals.ts";
import { openStores } from "../wire.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: FromHttp): void;
};

thread.onmessage = async ({ data }: MessageEvent<StartHttp>) => {
  const { settings, threads, openings } = data;
  const batch = new LogBatch((lines) => thread.postMessage({ kind: "log", lines }));
  const log = new JsonLog(batch.write, data.logLevels.everything);
  const [auth, audit] = [data.logLevels.auth, data.logLevels.audit].map((level) =>
    new JsonLog(batch.write, level)
  );
  // A fault that no request owns must not take the others' connections with it.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { error: event.reason });
  });
  const metrics = new ThreadMetrics((series) => thread.postMessage({ kind: "series", series }));
  watchThread(metrics, data.name);
  const scrapes = new PortCalls<undefined, string>(data.scrapes, "main");
  let passwords = data.passwords;
  const ways = new Map<NeededThread, PromiseWithResolvers<MessagePort>>();
  const callsTo = async <Q, A>(needed: NeededThread): Promise<PortCalls<Q, A>> => {
    const way = Promise.withResolvers<MessagePort>();
    ways.set(needed, way);
    thread.postMessage({ kind: "needs", thread: needed });
    return new PortCalls(await way.promise, needed);
  };
  const stores = openStores(data.writer, {
    settings,
    share: 1 / threads,
    removalHold: new RemovalHold(data.removals),
    longHashes: new RemoteSessionHashes(data.hashThreads, (index) => callsTo(`hash-${index}`)),
    log,
  });
  const manifests = new RemoteManifestReader(
    new LocalManifestReader(nodeHasher),
    () => callsTo("manifest"),
  );
  const mirrors = new RemoteMirrors(() => callsTo("mirror"), () => service.currentSpan);
  const pulls = new PullCounter(stores.metadata, log);
  const service: RequestService = new RequestService(
    { ...stores, manifests, mirrors, pulls },
    {
      logs: { everything: log, auth: auth!, audit: audit! },
      metrics,
      scrape: () => scrapes.call(undefined),
      openPasswords: () => passwords && passwordsBehind(passwords),
      sendSpans: (spans) => thread.postMessage({ kind: "spans", spans }),
    },
  );
  try {
    await service.use(settings);
  } catch (error) {
    // A thread that cannot begin ends, and the main one hears of it.
    reportError(error);
    return;
  }
  const servers = openings.map(({ listener }) =>
    new HttpServer({
      handle: listener.serves === "metrics" ? serveMetricsOnly(service.handle) : service.handle,
      limits: limitsOf(settings.server, threads),
      log,
      metrics,
      tls: listener.tls ? keyPairOf(settings.server.tls!) : undefined,
    })
  );
  let reloads: Promise<void> = Promise.resolve();
  thread.onmessage = async ({ data }: MessageEvent<ToHttp>) => {
    switch (data.kind) {
      case "way":
        ways.get(data.to)!.resolve(data.port);
        break;
      case "drain":
        await Promise.all(servers.map((server) => server.drain(data.timeoutMs)));
        await pulls.flush();
        service.flushSpans();
        batch.flush();
        thread.postMessage({ kind: "drained" });
        break;
      case "listen again":
        for (const [index, server] of servers.entries()) {
          server.openAgain().catch((error) => fail(error, openings[index]!.listener.at));
        }
        break;
      case "reload":
        // One after the other, so that the last one stays.
        reloads = reloads.then(async () => {
          passwords = data.passwords;
          const fault = await faultOf(() => reload(service, servers, data.settings));
          mirrors.forgetTags();
          thread.postMessage({ kind: "reloaded", fault });
        });
    }
  };
  const places: ListenAddress[] = [];
  for (const [index, { listener, at }] of openings.entries()) {
    try {
      places.push(await servers[index]!.open(at, listener));
    } catch (error) {
      fail(error, listener.at);
      return;
    }
  }
  thread.postMessage({ kind: "listening", places });
};

/** Says that it cannot listen: it is ended and replaced. */
function fail(error: unknown, at: ListenAddress): void {
  thread.postMessage({ kind: "failed", reason: describeListenFault((error as Error).message, at) });
}

async function reload(
  service: RequestService,
  servers: readonly HttpServer[],
  settings: Settings,
): Promise<void> {
  await service.use(settings);
  const { tls } = settings.server;
  if (tls === undefined) return;
  for (const server of servers) if (server.secure) server.replaceKeyPair(keyPairOf(tls));
}

function passwordsBehind(port: MessagePort): PasswordChecker {
  const calls = new PortCalls<PasswordQuestion, PasswordAnswer>(port, "password");
  return { check: (question) => calls.call(question) };
}

function keyPairOf({ certificate, privateKey, minimumVersion, clientAuth }: TlsSettings): TlsKeyPair {
  const keyPair = { certificate, privateKey, minimumVersion };
  if (clientAuth === undefined) return keyPair;
  const advertisedCas = clientAuth.advertiseCas ? clientAuth.caBundle : undefined;
  return { ...keyPair, clientCertificates: { advertisedCas } };
}

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
