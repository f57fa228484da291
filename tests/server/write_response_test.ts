/** How an answer is handed to node:http, piece by piece, seen with a response that only takes notes. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { writeResponse } from "../../src/server/write_response.ts";
import { inTries } from "../harness/tries.ts";

const KIB = 1024;

class NotedResponse extends EventEmitter {
  destroyed = false;
  readonly writes: number[] = [];
  /** The first byte of each piece at the time when it was taken. */
  readonly firstBytes: number[] = [];
  /** Length of the bytes that came with the end; -1 for an end without bytes. */
  ended: number | undefined;
  headers: unknown;
  /** ms that the client takes for a piece; 0 takes everything at once. */
  readonly #ms: number;

  constructor(ms: number) {
    super();
    this.#ms = ms;
  }

  get response(): ServerResponse {
    return this as unknown as ServerResponse;
  }

  writeHead(_status: number, headers: unknown): void {
    this.headers = headers;
  }

  write(bytes: Uint8Array, taken: () => void): boolean {
    this.writes.push(bytes.length);
    // Like the system, it looks at the bytes when it takes them.
    const take = () => {
      this.firstBytes.push(bytes[0]!);
      taken();
    };
    if (this.#ms === 0) queueMicrotask(take);
    else setTimeout(take, this.#ms);
    return this.#ms === 0;
  }

  end(bytes?: Uint8Array): void {
    this.ended = bytes?.length ?? -1;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function streamOf(...pieces: number[]) {
  return {
    length: pieces.reduce((sum, piece) => sum + piece, 0),
    chunks: (async function* () {
      for (const piece of pieces) yield new Uint8Array(piece);
    })(),
  };
}

Deno.test("a stream's last bytes go with the end: over TLS, an end without any behind waiting bytes is never done", async () => {
  const to = new NotedResponse(0);
  const sent = await writeResponse(
    to.response,
    { status: 200, headers: {}, body: streamOf(100, 100, 7) },
    false,
  );
  assert.deepEqual(to.writes, [100, 100]);
  assert.equal(to.ended, 7);
  assert.deepEqual(sent, { bytes: 207, complete: true });
});

Deno.test(
  "a client that is slow gets small pieces, one that is fast gets larger and larger ones",
  inTries(async () => {
    const body = () => streamOf(...Array<number>(8).fill(512 * KIB));
    const fast = new NotedResponse(1);
    await writeResponse(fast.response, { status: 200, headers: {}, body: body() }, false);
    assert.deepEqual(fast.writes.slice(0, 5), [64, 128, 256, 64, 512].map((size) => size * KIB));
    const slow = new NotedResponse(260);
    await writeResponse(slow.response, { status: 200, headers: {}, body: streamOf(512 * KIB) }, false);
    assert.deepEqual([...slow.writes, slow.ended], Array(8).fill(64 * KIB));
  }),
);

Deno.test("bytes in memory go out in one when they are few, and in pieces when they are many", async () => {
  const few = new NotedResponse(0);
  await writeResponse(few.response, { status: 200, headers: {}, body: new Uint8Array(64 * KIB) }, false);
  assert.deepEqual([few.writes, few.ended], [[], 64 * KIB]);
  const many = new NotedResponse(0);
  await writeResponse(many.response, { status: 200, headers: {}, body: new Uint8Array(200 * KIB) }, false);
  assert.equal(many.writes.reduce((sum, size) => sum + size, 0) + many.ended!, 200 * KIB);
});

Deno.test("a chunk is asked for only when the last one has left, so that a reader may use one buffer for all", async () => {
  for (const ms of [0, 1]) {
    const to = new NotedResponse(ms);
    const buffer = new Uint8Array(100 * KIB);
    const chunks = (async function* () {
      for (let n = 1; n <= 5; n++) yield buffer.fill(n);
    })();
    await writeResponse(
      to.response,
      { status: 200, headers: {}, body: { length: 500 * KIB, chunks } },
      false,
    );
    // 64 KiB of the first chunk, then what is left of it, then whole ones; the last goes with the end.
    assert.deepEqual(to.firstBytes, [1, 1, 2, 3, 4]);
  }
});

Deno.test("a client that is gone while a piece waits ends the answer", async () => {
  const to = new NotedResponse(60_000);
  const writing = writeResponse(to.response, { status: 200, headers: {}, body: streamOf(100, 100) }, false);
  await new Promise((resolve) => setTimeout(resolve, 1));
  to.destroy();
  assert.deepEqual(await writing, { bytes: 100, complete: false });
  assert.equal(to.ended, undefined);
});

Deno.test("an answer that ends the connection says so, and leaves the handler's headers as they are", async () => {
  const to = new NotedResponse(0);
  const headers = { "content-length": "0" };
  await writeResponse(to.response, { status: 200, headers }, true);
  assert.deepEqual(to.headers, { "content-length": "0", connection: "close" });
  assert.deepEqual(headers, { "content-length": "0" });
  assert.equal(to.ended, -1);
});
