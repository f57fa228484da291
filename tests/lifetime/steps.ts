/** What clients, the machine and its owner may do, each with what must come of it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { OciError } from "../../src/core/oci_error.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { Tag } from "../../src/core/tag.ts";
import { deleteBlob, deleteManifest } from "../../src/registry/delete.ts";
import { mountBlob } from "../../src/registry/mount.ts";
import { announceHeldBlob } from "../../src/registry/pull.ts";
import { pushManifest } from "../../src/registry/push.ts";
import { restoreTag } from "../../src/registry/tag_history.ts";
import {
  appendUpload,
  cancelUpload,
  completeUpload,
  startUpload,
  uploadWhole,
} from "../../src/registry/upload.ts";
import type { UploadPiece } from "../../src/registry/upload_piece.ts";
import { SOME_CALLER } from "../model/model_registry.ts";
import { tag } from "../storage/temp_storage.ts";
import { type Blob, BLOBS, type Manifest, manifestOf, MANIFESTS } from "./contents.ts";
import { HOUR, MINUTE, REPOSITORIES, type World } from "./world.ts";

export interface Step {
  readonly what: string;
  run(world: World): Promise<void>;
}

const OWNER = "";
const TAGS: readonly Tag[] = ["kept", "v1", "v2", "v3"].map(tag);

const blob = fc.constantFrom(...BLOBS);
const manifest = fc.constantFrom(...MANIFESTS);
// The small one refuses much.
const repository = fc.constantFrom(REPOSITORIES[0]!, ...REPOSITORIES, REPOSITORIES[0]!);
const referrer = fc.constantFrom(...MANIFESTS.filter(({ subject }) => subject !== undefined));
const tagName = fc.constantFrom(...TAGS);

function pieceOf(bytes: Uint8Array): UploadPiece {
  return {
    length: bytes.length,
    window: undefined,
    async *chunks() {
      yield bytes.slice();
    },
  };
}

/** Does something that is refused with the code, or not at all where that is undefined; gives whether it was done. */
async function expect(refusal: string | undefined, act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    assert.equal(error.code, refusal, error.message);
    return false;
  }
  assert.equal(refusal, undefined);
  return true;
}

async function push(world: World, where: RepositoryName, { digest, bytes }: Blob): Promise<void> {
  const model = world.model(where);
  const isOver = !model.holds.has(digest) && model.isOver({ bytes: bytes.length });
  const piece = pieceOf(bytes);
  const done = await expect(
    isOver ? "DENIED" : undefined,
    () => uploadWhole(world.registry, where, OWNER, digest, piece),
  );
  if (done) model.holds.set(digest, world.ran);
}

/** A client that is told that the blob is there may count on it from the announcement before on, if that is a young one. */
function announce(world: World, where: RepositoryName, digest: Digest): void {
  const { holds } = world.model(where);
  const young = world.ran - world.registry.settings.announceAfter;
  holds.set(digest, Math.max(holds.get(digest)!, young));
}

async function mount(world: World, to: RepositoryName, from: RepositoryName, { digest, bytes }: Blob) {
  const model = world.model(to);
  const there = model.holds.has(digest);
  const mounts = there || world.model(from).holds.has(digest);
  const isOver = !there && model.isOver({ bytes: mounts ? bytes.length : 1 });
  await expect(isOver ? "DENIED" : undefined, async () => {
    const session = await mountBlob(world.registry, SOME_CALLER, { repository: to, from, digest });
    assert.equal(session === undefined, mounts);
    if (session !== undefined) return await cancelUpload(world.registry, session);
    if (there) announce(world, to, digest);
    else model.holds.set(digest, world.ran);
  });
}

async function pushImage(world: World, where: RepositoryName, pushed: Manifest, tags: readonly Tag[]) {
  const model = world.model(where);
  const { digest, bytes } = pushed;
  const lacks = pushed.blobs.some((each) => !model.holds.has(each));
  const isNew = !model.manifests.has(digest);
  const isOver = model.isOver({
    ...(isNew && { bytes: bytes.length, manifests: 1 }),
    ...(tags.some((each) => !model.tags.has(each)) &&
      { tags: tags.filter((each) => !model.tags.has(each)).length }),
  });
  const done = await expect(
    lacks ? "MANIFEST_BLOB_UNKNOWN" : isOver ? "DENIED" : undefined,
    () =>
      pushManifest(world.registry, {
        repository: where,
        reference: { kind: "digest", digest },
        tags,
        contentType: pushed.mediaType,
        bytes: bytes.slice(),
      }),
  );
  if (!done) return;
  model.manifests.set(digest, world.ran);
  for (const each of tags) model.name(each, digest, world.ran);
}

async function restore(world: World, where: RepositoryName, name: Tag, digest: Digest): Promise<void> {
  const model = world.model(where);
  // What the history holds depends on when it was pruned; what it must hold shows where the manifest has to be there.
  const isOver = !model.tags.has(name) && model.isOver({ tags: 1 });
  const mayWork = model.named.get(name)?.has(digest) === true && model.manifests.has(digest) && !isOver;
  try {
    await restoreTag(world.registry, where, name, digest);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    assert.ok(["MANIFEST_UNKNOWN", "DENIED"].includes(error.code), error.message);
    return;
  }
  assert.ok(mayWork);
  model.name(name, digest, world.ran);
}

async function pull(world: World, where: RepositoryName, { digest }: Manifest): Promise<void> {
  const pulls = [{ repository: where, digest, tag: undefined, client: "somebody", at: world.now }];
  await world.metadata.store.recordPulls(pulls);
  const { manifests } = world.model(where);
  if (manifests.has(digest)) manifests.set(digest, world.ran);
}

async function begin(world: World, where: RepositoryName): Promise<void> {
  await expect(world.model(where).isOver({ bytes: 1 }) ? "DENIED" : undefined, async () => {
    world.sessions.push(await startUpload(world.registry, where, OWNER, "sha256"));
  });
}

/** Sends a part of a blob, pauses, sends the rest; the session may have expired meanwhile. */
async function finish(world: World, { digest, bytes }: Blob, pauseMs: number): Promise<void> {
  const session = world.sessions.shift();
  if (session === undefined) return;
  const model = world.model(session.repository);
  const { registry, storage } = world;
  try {
    await appendUpload(registry, session, pieceOf(bytes.subarray(0, 3)));
    Deno.utimeSync(storage.layout.upload(session.id), world.now / 1000, world.now / 1000);
    await world.pass(pauseMs);
    const isOver = !model.holds.has(digest) && model.isOver({ bytes: bytes.length });
    const rest = pieceOf(bytes.subarray(3));
    const done = await expect(
      isOver ? "DENIED" : undefined,
      () => completeUpload(registry, session, digest, rest),
    );
    if (done) model.holds.set(digest, world.ran);
  } catch (error) {
    const { message } = error as Error;
    const wasEnded = /no upload session/.test(message) || /DENIED/.test(message);
    if (!wasEnded) throw error;
    assert.ok(!storage.listUploadFiles().includes(session.id));
  }
}

async function remove(world: World, where: RepositoryName, name: Tag): Promise<void> {
  const model = world.model(where);
  const done = await expect(
    model.tags.has(name) ? undefined : "MANIFEST_UNKNOWN",
    () => deleteManifest(world.registry, where, { kind: "tag", tag: name }),
  );
  if (done) model.name(name, undefined, world.ran);
}

async function removeImage(world: World, where: RepositoryName, { digest }: Manifest): Promise<void> {
  const model = world.model(where);
  const done = await expect(
    model.manifests.has(digest) ? undefined : "MANIFEST_UNKNOWN",
    () => deleteManifest(world.registry, where, { kind: "digest", digest }),
  );
  if (done) model.deleteManifest(digest, world.ran);
}

async function removeBlob(world: World, where: RepositoryName, { digest }: Blob): Promise<void> {
  const model = world.model(where);
  const refusal = !model.holds.has(digest) ? "BLOB_UNKNOWN" : model.needs(digest) ? "DENIED" : undefined;
  if (await expect(refusal, () => deleteBlob(world.registry, where, digest))) model.holds.delete(digest);
}

/** A client pushes an image with all that it needs, as most do. */
async function pushAll(world: World, where: RepositoryName, pushed: Manifest, tags: readonly Tag[]) {
  for (const digest of pushed.blobs) await push(world, where, BLOBS.find((each) => each.digest === digest)!);
  await pushImage(world, where, pushed, tags);
}

/** A signature comes after what it is about, and is not tagged. */
async function refer(world: World, where: RepositoryName, pushed: Manifest): Promise<void> {
  await pushAll(world, where, manifestOf.get(pushed.subject!)!, []);
  await pushAll(world, where, pushed, []);
}

function step<T extends unknown[]>(
  weight: number,
  what: string,
  values: fc.Arbitrary<T>,
  run: (world: World, ...values: T) => Promise<unknown>,
): { weight: number; arbitrary: fc.Arbitrary<Step> } {
  const arbitrary = values.map((chosen) => ({
    what: `${what} ${
      chosen.map((value) => (value as { name?: string })?.name ?? JSON.stringify(value)).join(" ")
    }`,
    run: async (world: World) => void await run(world, ...chosen),
  }));
  return {
    weight,
    arbitrary: arbitrary.map((made) => Object.assign(made, { [fc.toStringMethod]: () => made.what })),
  };
}

const someTags = fc.uniqueArray(tagName, { maxLength: 2 });
const DAYS = 24 * HOUR;

export const STEPS: fc.Arbitrary<Step> = fc.oneof(
  step(2, "push a blob", fc.tuple(repository, blob), push),
  step(2, "mount", fc.tuple(repository, repository, blob), mount),
  step(
    2,
    "ask for",
    fc.tuple(repository, blob),
    (world, where, { digest }) =>
      expect(world.model(where).holds.has(digest) ? undefined : "BLOB_UNKNOWN", async () => {
        await announceHeldBlob(world.registry, where, digest);
        announce(world, where, digest);
      }),
  ),
  step(6, "push all of", fc.tuple(repository, manifest, someTags), pushAll),
  step(3, "push for its subject", fc.tuple(repository, referrer), refer),
  step(3, "push", fc.tuple(repository, manifest, someTags), pushImage),
  step(1, "pull", fc.tuple(repository, manifest), pull),
  step(1, "begin an upload", fc.tuple(repository), begin),
  step(1, "finish", fc.tuple(blob, fc.integer({ min: 1, max: 5 * HOUR })), finish),
  step(2, "delete tag", fc.tuple(repository, tagName), remove),
  step(2, "delete", fc.tuple(repository, manifest), removeImage),
  step(1, "delete blob", fc.tuple(repository, blob), removeBlob),
  step(
    2,
    "restore",
    fc.tuple(repository, tagName, manifest),
    (world, where, name, { digest }) => restore(world, where, name, digest),
  ),
  step(4, "pass", fc.tuple(fc.integer({ min: MINUTE, max: 4 * HOUR })), (world, ms) => world.pass(ms)),
  step(2, "retain", fc.tuple(), (world) => world.retain()),
  step(
    2,
    "restart after",
    fc.tuple(fc.constantFrom(0, MINUTE, HOUR, 20 * DAYS)),
    async (world, pauseMs) => {
      world.restart(pauseMs);
      await world.runJobs();
    },
  ),
  step(1, "restart at once", fc.tuple(), async (world) => world.restart(0)),
  step(
    1,
    "set the clock by",
    fc.tuple(fc.constantFrom(HOUR, -HOUR, 40 * DAYS, -40 * DAYS, -DAYS)),
    async (world, ms) => world.setClock(world.ahead + ms),
  ),
);
