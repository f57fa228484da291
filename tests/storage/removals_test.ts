/** Files that somebody counts on stay until the last one lets go. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { RemovalHold, Removals } from "../../src/storage/files/removals.ts";
import { until } from "../harness/until.ts";
import { TempStorage } from "./temp_storage.ts";

const [FIRST, SECOND] = ["sha256/00/first.session", "sha256/00/second.session"] as [BlobFile, BlobFile];

Deno.test("while one of two holds a removal is put off, by every thread, and then it is done", async () => {
  using storage = new TempStorage();
  const here = new RemovalHold();
  const elsewhere = new RemovalHold(here.shared);
  const blobs = storage.openBlobs({ removalHold: elsewhere });
  for (const file of [FIRST, SECOND]) await Deno.writeTextFile(storage.layout.blob(file), "");
  const releases = [here.take(), here.take()];
  await blobs.remove(FIRST);
  releases[0]!();
  releases[0]!();
  assert.equal(elsewhere.isHeld, true, "letting go twice does not count twice");
  await blobs.remove(SECOND);
  assert.deepEqual(storage.listBlobFiles(), [FIRST, SECOND]);
  releases[1]!();
  assert.equal(elsewhere.isHeld, false);
  // Without anybody asking again.
  await until(() => storage.listBlobFiles().length === 0);
});

Deno.test("without a hold a file is gone when its removal resolves", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs({ removalHold: new RemovalHold() });
  await Deno.writeTextFile(storage.layout.blob(FIRST), "");
  await blobs.remove(FIRST);
  assert.deepEqual(storage.listBlobFiles(), []);
  await blobs.remove(FIRST);
});

Deno.test("a hold that begins while removals are made up for puts off the rest, and keeps the thread from nothing else", async () => {
  const hold = new RemovalHold();
  const removed: BlobFile[] = [];
  let letGo: (() => void) | undefined;
  const removals = new Removals(hold, (file) => {
    removed.push(file);
    letGo ??= hold.take();
    return Promise.resolve();
  });
  const first = hold.take();
  for (const file of [FIRST, SECOND]) await removals.remove(file);
  first();
  await until(() => removed.length > 0);
  assert.deepEqual(removed, [FIRST]);
  letGo!();
  await until(() => removed.length > 1);
  assert.deepEqual(removed, [FIRST, SECOND]);
});
