/** A thread's hash states fit the bytes they stand for, or are not used. */
import assert from "node:assert/strict";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { HashProgresses } from "../../src/storage/files/hash_progress.ts";
import { digestOf } from "../model/bytes.ts";

Deno.test("HashProgresses gives a kept state back once, to be continued", async () => {
  const progresses = new HashProgresses();
  const id = makeUploadSessionId();
  const progress = progresses.take(id, "sha256", 0);
  await progress.update(bytesOf("one"));
  assert.equal(await progress.digest(), digestOf("one"));
  progresses.keep(id, progress);
  const again = progresses.take(id, "sha256", 3);
  await again.update(bytesOf("two"));
  assert.equal(await again.digest(), digestOf("onetwo"));
  assert.equal(await again.digest(), digestOf("onetwo"), "a digest does not end the state");
  assert.equal(progresses.take(id, "sha256", 3).offset, 0, "taken twice");
});

Deno.test("HashProgresses starts afresh for another algorithm, a shorter file or a forgotten session", async () => {
  const progresses = new HashProgresses();
  const id = makeUploadSessionId();
  const keep = async (): Promise<void> => {
    const progress = progresses.take(id, "sha256", 0);
    await progress.update(bytesOf("one"));
    progresses.keep(id, progress);
  };
  await keep();
  assert.equal(progresses.take(id, "sha512", 3).offset, 0);
  await keep();
  assert.equal(progresses.take(id, "sha256", 2).offset, 0);
  await keep();
  assert.equal(progresses.take(id, "sha256", 10).offset, 3);
  await keep();
  progresses.forget(id);
  assert.equal(progresses.take(id, "sha256", 3).offset, 0);
});

Deno.test("HashProgresses remembers the latest 4096 sessions", async () => {
  const progresses = new HashProgresses();
  const ids = Array.from({ length: 4097 }, makeUploadSessionId);
  for (const id of ids) {
    const progress = progresses.take(id, "sha256", 0);
    await progress.update(bytesOf("1"));
    progresses.keep(id, progress);
  }
  assert.equal(progresses.take(ids[0]!, "sha256", 1).offset, 0);
  assert.equal(progresses.take(ids[1]!, "sha256", 1).offset, 1);
  assert.equal(progresses.take(ids[4096]!, "sha256", 1).offset, 1);
});

/** In a buffer that is not full, so that little is hashed. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(text.length + 1);
  return buffer.subarray(0, new TextEncoder().encodeInto(text, buffer).written);
}
