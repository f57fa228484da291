/** Requests without sockets: builds an HttpRequest, hands it to a handler, and collects the answer. */
import { anonymousIdentity } from "../../src/core/identity.ts";
import { createHandler, type Handler } from "../../src/http/handle.ts";
import { ClientGone, type Handled, type HttpRequest } from "../../src/http/message.ts";
import type { Authenticator } from "../../src/ports/authenticator.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { concat, utf8 } from "../model/bytes.ts";

export interface RequestOptions {
  /** Names in any case; a list sends the field several times. */
  readonly headers?: Record<string, string | readonly string[]>;
  readonly body?: Uint8Array | string;
  /** Sends the body without its length. */
  readonly chunked?: boolean;
  /** Bytes in each piece of the body; 1,000 unless told. */
  readonly pieceSize?: number;
  /** The client goes away after so many bytes. */
  readonly cutAfter?: number;
  /** Length to announce instead of the true one. */
  readonly announce?: number;
  readonly httpVersion?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly text: string;
  /** The body read as JSON. */
  // deno-lint-ignore no-explicit-any -- tests read into it freely
  readonly json: any;
  readonly handled: Handled;
  /** Bytes of the request's body that the handler took. */
  readonly taken: number;
}

/** Sends requests to one handler. */
export interface Client {
  readonly handle: Handler;
  send(method: string, target: string, options?: RequestOptions): Promise<Answer>;
}

/** Takes every request for one of a known user, so that refusals are told to somebody who is identified. */
const somebody: Authenticator = {
  identify: ({ peerAddress }) =>
    Promise.resolve({ ...anonymousIdentity(peerAddress), id: "somebody", username: "somebody" }),
};

export function makeClient(registry: Registry, authenticator: Authenticator = somebody): Client {
  const handle = createHandler({
    registry,
    authenticator,
    challenges: { certificateRequired: false, passwords: false, tokens: undefined },
    tokenIssuer: undefined,
  });
  return {
    handle,
    async send(method, target, options = {}) {
      const { request, taken } = makeRequest(method, target, options);
      return await collect(await handle(request), taken);
    },
  };
}

/** One request, and how many bytes of its body were taken so far. */
export function makeRequest(
  method: string,
  target: string,
  options: RequestOptions = {},
): { request: HttpRequest; taken: () => number } {
  const fields = new Map<string, readonly string[]>([["host", ["registry.example"]]]);
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    fields.set(name.toLowerCase(), typeof value === "string" ? [value] : value);
  }
  const body = typeof options.body === "string" ? utf8(options.body) : options.body ?? new Uint8Array();
  let taken = 0;
  const request: HttpRequest = {
    id: "request-1",
    method,
    httpVersion: options.httpVersion ?? "1.1",
    target,
    headers: { get: (name) => fields.get(name)?.[0], all: (name) => fields.get(name) ?? [] },
    body: {
      length: options.chunked ? undefined : options.announce ?? body.length,
      async *chunks() {
        const size = options.pieceSize ?? 1000;
        const end = Math.min(body.length, options.cutAfter ?? body.length);
        for (let at = 0; at < end; at += size) {
          const piece = body.slice(at, Math.min(end, at + size));
          taken += piece.length;
          yield piece;
        }
        if (options.cutAfter !== undefined) throw new ClientGone();
      },
    },
    peerAddress: "192.0.2.1",
    secure: false,
    certificateChain: undefined,
  };
  return { request, taken: () => taken };
}

/** Reads a response to its end. */
export async function collect(handled: Handled, taken: () => number = () => 0): Promise<Answer> {
  const { response } = handled;
  const chunks: Uint8Array[] = [];
  if (response.body instanceof Uint8Array) chunks.push(response.body);
  else if (response.body !== undefined) {
    for await (const chunk of response.body.chunks) chunks.push(chunk.slice());
  }
  const body = concat(chunks);
  const text = new TextDecoder().decode(body);
  return {
    status: response.status,
    headers: response.headers,
    body,
    text,
    get json() {
      return JSON.parse(text);
    },
    handled,
    taken: taken(),
  };
}
