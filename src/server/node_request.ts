/** From node:http's request to the registry's. */
import type { IncomingMessage } from "node:http";
import type { HeaderFields, HttpRequest } from "../http/message.ts";
import { certificateChainOf } from "./peer_certificates.ts";
import type { NodeRequestBody } from "./request_body.ts";

/** Reads `[name, value, name, value, ...]` in place: most requests ask for a few names only. */
export class RawHeaderFields implements HeaderFields {
  readonly #raw: readonly string[];

  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): string | undefined {
    for (let i = 0; i < this.#raw.length; i += 2) {
      if (this.#isNamed(i, name)) return this.#raw[i + 1];
    }
    return undefined;
  }

  all(name: string): readonly string[] {
    const values: string[] = [];
    for (let i = 0; i < this.#raw.length; i += 2) {
      if (this.#isNamed(i, name)) values.push(this.#raw[i + 1]!);
    }
    return values;
  }

  #isNamed(index: number, name: string): boolean {
    const field = this.#raw[index]!;
    return field.length === name.length && (field === name || field.toLowerCase() === name);
  }
}

/** @param peerAddress as {@linkcode addressOf} gives it for the request's socket */
export function toHttpRequest(
  id: string,
  request: IncomingMessage,
  body: NodeRequestBody,
  peerAddress: string,
  secure: boolean,
): HttpRequest {
  return {
    id,
    method: request.method!,
    target: request.url!,
    httpVersion: request.httpVersion,
    headers: new RawHeaderFields(request.rawHeaders),
    body,
    peerAddress,
    secure,
    certificateChain: secure ? certificateChainOf(request.socket) : undefined,
  };
}

/** Address of a socket's peer; an IPv4 address that came over an IPv6 socket is written as IPv4. */
export function addressOf(socket: { remoteAddress?: string | undefined }): string {
  const address = socket.remoteAddress ?? "unknown";
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

/** Names requests: unique in a thread's life by the counter, between lives and threads by the random part. */
export function makeRequestIds(): () => string {
  const prefix = crypto.getRandomValues(new Uint8Array(6)).toHex();
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}
