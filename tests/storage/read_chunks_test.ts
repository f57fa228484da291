/** Parts of files come in chunks whose buffers are used again, large ones for those who are fast. */
import assert from "node:assert/strict";
import { ChunkRoom, readChunks } from "../../src/storage/files/read_chunks.ts";
import { inTries } from "../harness/tries.ts";
import { randomBytes } from "../model/bytes.ts";
import { readAll } from "./temp_storage.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

function openBytes(bytes: Uint8Array): Deno.FsFile {
  const path = Deno.makeTempFileSync();
  Deno.writeFileSync(path, bytes);
  const file = Deno.openSync(path);
  Deno.removeSync(path);
  return file;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 300));
}

Deno.test(
  "every part of a file is read exactly, also by one who takes his time in between",
  inTries(async () => {
    const size = 20 * MIB + 7;
    const bytes = randomBytes(size);
    using file = openBytes(bytes);
    for (const [start, end] of [[0, size], [0, 0], [1, 2], [65_536, 131_072], [4_000_000, size - 1]]) {
      assert.deepEqual(
        await readAll(readChunks(file, start!, end!, new ChunkRoom())),
        bytes.slice(start, end),
      );
    }
    const sizes: number[] = [];
    const parts: Uint8Array[] = [];
    for await (const chunk of readChunks(file, 3, size, new ChunkRoom())) {
      parts.push(chunk.slice());
      sizes.push(chunk.length);
      // Twice, since a chunk that was read ahead may come after a pause.
      if (sizes.length === 132 || sizes.length === 133) await pause();
    }
    assert.deepEqual(new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()), bytes.slice(3));
    assert.deepEqual(sizes.slice(126, 136), [
      64 * KIB,
      64 * KIB,
      ...Array(5).fill(MIB),
      ...Array(3).fill(64 * KIB),
    ]);
  }),
);

Deno.test(
  "one who is fast gets all of a large file in three buffers",
  inTries(async () => {
    using file = openBytes(new Uint8Array(30 * MIB));
    const buffers = new Set<ArrayBufferLike>();
    for await (const chunk of readChunks(file, 0, 30 * MIB, new ChunkRoom())) buffers.add(chunk.buffer);
    assert.deepEqual([...buffers].map(({ byteLength }) => byteLength), [64 * KIB, MIB, MIB]);
  }),
);

Deno.test(
  "as many as there is room for have large chunks, the others small ones until somebody has ended",
  inTries(async () => {
    using file = openBytes(new Uint8Array(30 * MIB));
    const room = new ChunkRoom(1);
    const largest = async (end: number) => {
      let size = 0;
      for await (const { length } of readChunks(file, 0, end, room)) size = Math.max(size, length);
      return size;
    };
    const first = readChunks(file, 0, 30 * MIB, room);
    for (let size = 0; size < MIB;) size = (await first.next()).value!.length;
    assert.equal(await largest(20 * MIB), 64 * KIB);
    await first.return(undefined);
    assert.equal(await largest(20 * MIB), MIB);
    assert.equal(await largest(20 * MIB), MIB, "and the room was given back");
  }),
);

Deno.test(
  "a file that ends early breaks the iteration, and one that is left leaves nothing behind",
  inTries(async () => {
    using file = openBytes(new Uint8Array(10 * MIB + 5));
    const end = 20 * MIB;
    await assert.rejects(
      readAll(readChunks(file, 0, end, new ChunkRoom())),
      new RegExp(`ended ${10 * MIB - 5} bytes before byte ${end}$`),
    );
    const room = new ChunkRoom(1);
    for await (const { length } of readChunks(file, 0, end, room)) {
      // The chunk after the next one is being read, and will fail.
      if (length === MIB) break;
    }
    assert.equal(room.claim(), true);
  }),
);
