/** One request, and its answer read to the end. */
import assert from "node:assert/strict";

/** Which change of its repository a request asks for, so that a record of the traffic can be told what it is about. */
export const CHANGE_HEADER = "x-change";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** The beginning of the body. */
  readonly text: string;
}

let client = Deno.createHttpClient({});

/**
 * For the first request to another server: connections are kept from one request to the next, and one to a server that is
 * gone must not be taken for one to its successor, which may have got the same port.
 */
export function forgetConnections(): void {
  client.close();
  client = Deno.createHttpClient({});
}

/**
 * @param expected the status codes that are right
 * @throws {TypeError} when the connection breaks
 * @throws {AssertionError} for another status
 */
export async function send(
  expected: readonly number[],
  method: string,
  url: string,
  body?: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, { client, method, headers, ...(body && { body: body as BodyInit }) });
  const bytes = await response.bytes();
  const answer = {
    status: response.status,
    headers: response.headers,
    bytes,
    get text() {
      return new TextDecoder().decode(bytes).slice(0, 300);
    },
  };
  const { pathname, search } = new URL(url);
  const what =
    `${method} ${pathname}${search} answered ${answer.status}, expected ${expected}: ${answer.text}`;
  assert.ok(expected.includes(response.status), what);
  return answer;
}

/** Path and query of the upload session that an answer names. */
export function pathOf({ headers }: Answer): string {
  const { pathname, search } = new URL(headers.get("location")!, "http://registry");
  return pathname + search;
}
