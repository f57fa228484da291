/** A thread's hash states fit the bytes they stand for, or are not used. */
import assert from "node:assert/strict";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { digestOfProgress, HashProgresses } from "../../src/storage/files/hash_progress.ts";
import { digestOf, utf8 } from "../model/bytes.ts";

Deno.test("HashProgresses gives a kept state back once, to be continued", () => {
  const progresses = new HashProgresses();
  const id = makeUploadSessionId();
  const progress = progresses.take(id, "sha256", 0);
  progress.hash.update(utf8("one"));
  progress.offset = 3;
  assert.equal(digestOfProgress(progress), digestOf("one"));
  progresses.keep(id, progress);
  const again = progresses.take(id, "sha256", 3);
  again.hash.update(utf8("two"));
  assert.equal(digestOfProgress(again), digestOf("onetwo"));
  assert.equal(digestOfProgress(again), digestOf("onetwo"), "a digest does not end the state");
  assert.equal(progresses.take(id, "sha256", 3).offset, 0, "taken twice");
});

Deno.test("HashProgresses starts afresh for another algorithm, a shorter file or a forgotten session", () => {
  const progresses = new HashProgresses();
  const id = makeUploadSessionId();
  const keep = (): void => {
    const progress = progresses.take(id, "sha256", 0);
    progress.hash.update(utf8("one"));
    progress.offset = 3;
    progresses.keep(id, progress);
  };
  keep();
  assert.equal(progresses.take(id, "sha512", 3).offset, 0);
  keep();
  assert.equal(progresses.take(id, "sha256", 2).offset, 0);
  keep();
  assert.equal(progresses.take(id, "sha256", 10).offset, 3);
  keep();
  progresses.forget(id);
  assert.equal(progresses.take(id, "sha256", 3).offset, 0);
});

Deno.test("HashProgresses remembers the latest 4096 sessions", () => {
  const progresses = new HashProgresses();
  const ids = Array.from({ length: 4097 }, makeUploadSessionId);
  for (const id of ids) {
    const progress = progresses.take(id, "sha256", 0);
    progress.offset = 1;
    progresses.keep(id, progress);
  }
  assert.equal(progresses.take(ids[0]!, "sha256", 1).offset, 0);
  assert.equal(progresses.take(ids[1]!, "sha256", 1).offset, 1);
  assert.equal(progresses.take(ids[4096]!, "sha256", 1).offset, 1);
});
