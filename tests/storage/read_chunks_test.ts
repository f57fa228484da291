/** Parts of files come in chunks whose buffers are used again. */
import assert from "node:assert/strict";
import { readChunks } from "../../src/storage/files/read_chunks.ts";
import { randomBytes } from "../model/bytes.ts";
import { readAll } from "./temp_storage.ts";

const KIB = 1024;

function openBytes(bytes: Uint8Array) {
  const path = Deno.makeTempFileSync();
  Deno.writeFileSync(path, bytes);
  const file = Deno.openSync(path);
  Deno.removeSync(path);
  return file;
}

Deno.test("every part of a file is read exactly, also by one who takes his time in between", async () => {
  const bytes = randomBytes(12_000_000);
  using file = openBytes(bytes);
  for (const [start, end] of [[0, 12_000_000], [0, 0], [1, 2], [65_536, 131_072], [4_000_000, 4_999_999]]) {
    assert.deepEqual(await readAll(readChunks(file, start!, end!)), bytes.slice(start, end));
  }
  let waits = 0;
  const parts: Uint8Array[] = [];
  for await (const chunk of readChunks(file, 3, 11_000_000)) {
    parts.push(chunk.slice());
    // Slow in the middle: from large chunks back to small ones.
    if (waits++ === 4) await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.deepEqual(
    new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()),
    bytes.slice(3, 11_000_000),
  );
  assert.deepEqual(
    parts.slice(0, 8).map(({ length }) => length / KIB),
    // The sixth was being read when the fifth was not fetched in time.
    [64, 256, 256, 1024, 1024, 1024, 256, 256],
  );
});

Deno.test("one who is fast gets all of a large file in two buffers", async () => {
  using file = openBytes(new Uint8Array(20_000_000));
  const buffers = new Set<ArrayBufferLike>();
  for await (const chunk of readChunks(file, 0, 20_000_000)) {
    if (chunk.length === 1024 * KIB) buffers.add(chunk.buffer);
  }
  assert.equal(buffers.size, 2);
});

Deno.test("a file that ends early breaks the iteration, whoever waits for the chunk, and a left one leaves nothing behind", async () => {
  using file = openBytes(new Uint8Array(700_000));
  await assert.rejects(readAll(readChunks(file, 0, 2_000_000)), /ended 1300000 bytes before byte 2000000/);
  let chunks = 0;
  for await (const _chunk of readChunks(file, 0, 2_000_000)) {
    // The chunk after this one is being read, and will fail.
    if (++chunks === 3) break;
  }
  assert.equal(chunks, 3);
});
