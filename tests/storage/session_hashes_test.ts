/** Hash states fit the bytes they stand for, or are not used. */
import assert from "node:assert/strict";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import { LocalSessionHashes } from "../../src/storage/session_hashes.ts";
import { digestOf } from "../model/bytes.ts";

Deno.test("LocalSessionHashes gives a kept state back once, to be continued", async () => {
  const hashes = new LocalSessionHashes();
  const id = makeUploadSessionId();
  const first = await hashes.take(id, "sha256", 0);
  await first.hash.update(bytesOf("one"));
  assert.equal(await first.hash.digest(), digestOf("one"));
  await hashes.keep(id, { ...first, offset: 3 });
  const again = await hashes.take(id, "sha256", 3);
  await again.hash.update(bytesOf("two"));
  assert.equal(await again.hash.digest(), digestOf("onetwo"));
  assert.equal(await again.hash.digest(), digestOf("onetwo"), "a digest does not end the state");
  assert.equal((await hashes.take(id, "sha256", 3)).offset, 0, "taken twice");
});

Deno.test("LocalSessionHashes starts afresh for another algorithm, a shorter file or a forgotten session", async () => {
  const hashes = new LocalSessionHashes();
  const id = makeUploadSessionId();
  await keepOne(hashes, id);
  assert.equal((await hashes.take(id, "sha512", 3)).offset, 0);
  await keepOne(hashes, id);
  assert.equal((await hashes.take(id, "sha256", 2)).offset, 0);
  await keepOne(hashes, id);
  assert.equal((await hashes.take(id, "sha256", 10)).offset, 3);
  await keepOne(hashes, id);
  hashes.forget(id);
  assert.equal((await hashes.take(id, "sha256", 3)).offset, 0);
});

Deno.test("LocalSessionHashes remembers the latest 4096 sessions", async () => {
  const hashes = new LocalSessionHashes();
  const ids = Array.from({ length: 4097 }, makeUploadSessionId);
  for (const id of ids) await keepOne(hashes, id);
  assert.equal((await hashes.take(ids[0]!, "sha256", 3)).offset, 0);
  assert.equal((await hashes.take(ids[1]!, "sha256", 3)).offset, 3);
  assert.equal((await hashes.take(ids[4096]!, "sha256", 3)).offset, 3);
});

async function keepOne(hashes: LocalSessionHashes, id: UploadSessionId): Promise<void> {
  const taken = await hashes.take(id, "sha256", 0);
  await taken.hash.update(bytesOf("one"));
  await hashes.keep(id, { ...taken, offset: 3 });
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
