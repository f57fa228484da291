/** Node's HTTP or HTTPS server, set up: which limits are its own, which are ours, and how clients are asked for certificates. */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type ConnectionLimits, MOST_HEADER_BYTES } from "./limits.ts";

export interface TlsKeyPair {
  /** PEM, the server's certificate first, then its chain. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
  /** Of TLS; 1.2 where it is absent. */
  readonly minimumVersion?: "1.2" | "1.3";
  /** Asks clients for a certificate; undefined does not. */
  readonly clientCertificates?: {
    /**
     * PEM of the CAs to name in the request; undefined names none. Clients written in Go send no certificate at all when
     * theirs is from none of those named, and could never be told what is wrong with it.
     */
    readonly advertisedCas: string | undefined;
  };
}

/** In the words of node:tls. */
export function oldestOf(version: TlsKeyPair["minimumVersion"]): "TLSv1.2" | "TLSv1.3" {
  return version === "1.3" ? "TLSv1.3" : "TLSv1.2";
}

/** A server that hears nothing yet: what node does by itself is as this registry needs it. */
export function makeNodeServer(limits: ConnectionLimits, tls: TlsKeyPair | undefined): Server {
  const options = {
    maxHeaderSize: MOST_HEADER_BYTES,
    headersTimeout: limits.headersTimeoutMs,
    // The whole-request timeout would cut a large upload however steadily it comes; the minimum rate takes its place.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    noDelay: true,
    // The handler refuses a request without Host, in words.
    requireHostHeader: false,
  };
  const server = tls === undefined ? createServer(options) : createTlsServer({
    ...options,
    cert: tls.certificate,
    key: tls.privateKey,
    // Verified by our own code: the runtime's verdict is wrong for resumed sessions, and it could give no reason.
    requestCert: tls.clientCertificates !== undefined,
    rejectUnauthorized: false,
    ...(tls.clientCertificates?.advertisedCas !== undefined && { ca: tls.clientCertificates.advertisedCas }),
    minVersion: oldestOf(tls.minimumVersion),
    ALPNProtocols: ["http/1.1"],
    allowHalfOpen: true,
    handshakeTimeout: limits.handshakeTimeoutMs,
  });
  server.maxConnections = limits.maxConnections;
  // 0 means no limit: beyond a limit node drops fields silently, and a dropped one could be a second Host.
  server.maxHeadersCount = 0;
  // A client that shuts down its side after the request still waits for the answer.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  return server;
}
