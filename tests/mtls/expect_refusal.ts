/** Holds how a certificate that is presented but not acceptable is refused: status, reason, closed connection, log line. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { MadeCertificate } from "../auth/certificate_factory.ts";
import type { RunningRegistry } from "../harness/start_registry.ts";
import { type Answer, exchange, type HandshakeOptions, requestText } from "./openssl_client.ts";

/** A request that would open an upload session, which the data directory would show. */
export const WRITE = requestText("POST", "/v2/stolen/blobs/uploads/");

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** The first entry of the errors of an answer (distribution-spec, "Error Codes"). */
export function readError(answer: Answer | undefined): ErrorBody {
  return JSON.parse(answer?.body ?? "{}").errors?.[0] ?? assert.fail(`no error in ${JSON.stringify(answer)}`);
}

/** 403 DENIED with the reason in its message, and `Connection: close`. */
export function assertDenied(answer: Answer | undefined, reason: RegExp): void {
  assert.equal(answer?.status, 403, answer?.body ?? "no answer");
  const { code, message } = readError(answer);
  assert.equal(code, "DENIED");
  assert.match(message, reason);
  assert.equal(answer.headers.get("connection"), "close");
}

/** On `GET /v2/`: 401 with the challenge that no client answers by itself, and the same reason. */
export function assertDeniedAtBase(answer: Answer | undefined, reason: RegExp): void {
  assert.equal(answer?.status, 401, answer?.body ?? "no answer");
  assert.equal(answer.headers.get("www-authenticate"), 'Mutual realm="simple-registry"');
  assert.match(readError(answer).message, reason);
  assert.equal(answer.headers.get("connection"), "close");
}

/**
 * Asks twice, each time on a connection of its own that the server must close by itself: for `/v2/`, and for a write.
 *
 * @returns whether both handshakes took up a session again
 */
export async function expectRefusal(
  registry: RunningRegistry,
  handshake: HandshakeOptions,
  reason: RegExp,
): Promise<boolean> {
  const base = await exchange(registry, requestText("GET", "/v2/"), handshake);
  assertDeniedAtBase(base.answer, reason);
  const write = await exchange(registry, WRITE, handshake);
  assertDenied(write.answer, reason);
  return base.reused && write.reused;
}

/** The lines that the registry logged about refused certificates. */
export function refusalLines(registry: RunningRegistry): Record<string, string>[] {
  return logEntries(registry).filter(({ message }) => message === "client certificate refused");
}

/** Every line of the registry's log that is JSON. */
export function logEntries(registry: RunningRegistry): Record<string, string>[] {
  return registry.logLines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** Waits until `find` gives something for a line of the log, which is written some moments after the answer. */
export async function waitForLogEntry<T>(
  registry: RunningRegistry,
  what: string,
  find: (entry: Record<string, string>) => T | undefined,
): Promise<T> {
  return await registry.process.waitForLine(
    what,
    (line) => line.startsWith("{") ? find(JSON.parse(line)) : undefined,
  );
}

/** SHA-256 of the certificate, hexadecimal in lower case. */
export function fingerprintOf(certificate: MadeCertificate): string {
  return new X509Certificate(certificate.pem).fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Nothing was written: no upload session, no blob, and the audit allowed nothing. */
export async function assertNothingDone(registry: RunningRegistry): Promise<void> {
  const sessions: string[] = [];
  for await (const { name } of Deno.readDir(`${registry.rootDir}/uploads`)) sessions.push(name);
  assert.deepEqual(sessions, []);
  const allowed = logEntries(registry).filter(({ message, verdict }) =>
    message === "audit" && verdict === "allowed"
  );
  assert.deepEqual(allowed, []);
}
