/** One at a time has an upload session, whichever thread asks. */
import assert from "node:assert/strict";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import { UploadClaims } from "../../src/storage/files/upload_claims.ts";

Deno.test("a session that is taken cannot be taken again, here or elsewhere, until it is given back", () => {
  const here = new UploadClaims(0);
  const elsewhere = new UploadClaims(1, here.shared);
  const id = makeUploadSessionId();
  assert.equal(here.isTaken(id), false);
  const claim = here.take(id) ?? assert.fail("taken");
  for (const claims of [here, elsewhere]) {
    assert.equal(claims.take(id), undefined);
    assert.equal(claims.isTaken(id), true);
  }
  claim.release();
  assert.equal(elsewhere.isTaken(id), false);
  elsewhere.take(id)!.release();
});

Deno.test("10,000 sessions can be had at once, and none of them is in another's way", () => {
  const claims = new UploadClaims(0);
  const ids = Array.from({ length: 10_000 }, makeUploadSessionId);
  const taken = ids.map((id) => claims.take(id) ?? assert.fail("in the way"));
  for (const claim of taken) claim.release();
  for (const id of ids) assert.equal(claims.isTaken(id), false);
});

Deno.test("whoever has a session hears that it was removed, and nobody else does", () => {
  const here = new UploadClaims(0);
  const elsewhere = new UploadClaims(1, here.shared);
  const [id, other] = [makeUploadSessionId(), makeUploadSessionId()];
  const [claim, otherClaim] = [here.take(id)!, here.take(other)!];
  elsewhere.tellRemoval(makeUploadSessionId());
  assert.equal(claim.isRemoved(), false);
  elsewhere.tellRemoval(id);
  elsewhere.tellRemoval(id);
  assert.deepEqual([claim.isRemoved(), otherClaim.isRemoved()], [true, false]);
  assert.equal(elsewhere.take(id), undefined, "it is still had");
  claim.release();
  assert.equal(here.take(id)!.isRemoved(), false);
});

Deno.test("what a thread had that has ended is given back, and what others have is not", () => {
  const main = new UploadClaims();
  const [first, second] = [0, 1].map((owner) => new UploadClaims(owner, main.shared));
  const ids = Array.from({ length: 3 }, makeUploadSessionId);
  [main, first!, second!].forEach((claims, i) => claims.take(ids[i]!));
  main.releaseAllOf(0);
  assert.deepEqual(ids.map((id) => main.isTaken(id)), [true, false, true]);
});

Deno.test("two sessions that begin in the same place are two", () => {
  const claims = new UploadClaims(0);
  const ids = Array.from({ length: 16 }, (_, i) => {
    return `${(i + 1).toString(16).padStart(8, "0")}-7fff-4000-8000-000000000000` as UploadSessionId;
  });
  for (const id of ids) assert.ok(claims.take(id), id);
  assert.equal(ids.every((id) => claims.isTaken(id)), true);
});

Deno.test("of threads that ask for the same sessions at the same time, no two have one", async () => {
  const claims = new UploadClaims();
  const ids = Array.from({ length: 4 }, makeUploadSessionId);
  // One number for each session: how many have it.
  const had = new SharedArrayBuffer(4 * ids.length);
  const turns = await Promise.all([0, 1, 2].map((owner) =>
    new Promise<number>((resolve, reject) => {
      const worker = new Worker(new URL("./claiming_thread.ts", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }) => {
        worker.terminate();
        if (data.together > 0) reject(new Error(`${data.together} times two had a session`));
        else resolve(data.turns);
      };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage({ owner, shared: claims.shared, ids, had, forMs: 300 });
    })
  ));
  assert.ok(turns.every((count) => count > 0), `${turns}`);
  assert.equal(ids.some((id) => claims.isTaken(id)), false);
});
