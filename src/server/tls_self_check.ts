/** Proves at the start, by a real handshake on loopback, that this runtime hands over what identity is made of. */
import { request } from "node:https";
import type { Handled, HttpRequest } from "../http/message.ts";
import { NO_METRICS } from "../metrics/no_metrics.ts";
import { HttpServer, type HttpServerOptions } from "./http_server.ts";
import type { TlsKeyPair } from "./node_server.ts";
import { SILENT } from "./silent_log.ts";

/** ms for each step of the check. */
const PATIENCE_MS = 10_000;

const LIMITS = {
  handshakeTimeoutMs: PATIENCE_MS,
  headersTimeoutMs: PATIENCE_MS,
  idleTimeoutMs: PATIENCE_MS,
  minimumBodyRate: 0,
  bodyWindowMs: PATIENCE_MS,
  maxConnections: 10,
};

/** This runtime or this key pair cannot be trusted with clients' certificates. */
export class UnsafeTls extends Error {
  override readonly name = "UnsafeTls";
}

/** What the check needs of a server; the real one, unless a test says otherwise. */
export type CheckedServer = Pick<HttpServer, "listen" | "drain">;

/**
 * Shows the server its own key pair as a client: the certificate must arrive, byte for byte, and a client without one must
 * be seen without. That a body can be read shows that reading can be stopped.
 *
 * @throws {UnsafeTls}
 */
export async function checkTls(
  keyPair: TlsKeyPair,
  makeServer: (options: HttpServerOptions) => CheckedServer = (options) => new HttpServer(options),
): Promise<void> {
  const seen: (readonly Uint8Array[] | undefined)[] = [];
  const server = makeServer({
    handle: async (request) => {
      seen.push(request.certificateChain);
      return await answerAfterBody(request);
    },
    limits: LIMITS,
    log: SILENT,
    metrics: NO_METRICS,
    tls: { ...keyPair, clientCertificates: { advertisedCas: undefined } },
  });
  const port = await server.listen("127.0.0.1", 0);
  try {
    await post(port, keyPair.certificate, keyPair);
    await post(port, keyPair.certificate, undefined);
  } catch (error) {
    throw new UnsafeTls(
      `Cannot serve TLS: a request with the server's own certificate failed: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  } finally {
    await server.drain(0);
  }
  const own = firstCertificateOf(keyPair.certificate);
  if (seen.length !== 2 || seen[0]?.[0]?.toBase64() !== own || seen[1] !== undefined) {
    throw new UnsafeTls(
      `Cannot serve TLS: Deno ${Deno.version.deno} does not hand over clients' certificates. Use the version that this program was released with`,
    );
  }
}

async function answerAfterBody(request: HttpRequest): Promise<Handled> {
  for await (const _ of request.body.chunks());
  return { response: { status: 200, headers: { "content-length": "0" } }, action: undefined };
}

function post(port: number, ownCertificate: string, client: TlsKeyPair | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/",
      // Its own certificate need not name the loopback address; who answers is beyond doubt here.
      rejectUnauthorized: false,
      // Named so that the runtime does not go and read the system's CAs, for which this program has no permission.
      ca: ownCertificate,
      agent: false,
      timeout: PATIENCE_MS,
      ...(client !== undefined && { cert: client.certificate, key: client.privateKey }),
    }, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error("the body of a request could not be read"));
      });
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.end("x");
  });
}

function firstCertificateOf(pem: string): string | undefined {
  return /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(pem)?.[1]?.replace(/\s/g, "");
}
