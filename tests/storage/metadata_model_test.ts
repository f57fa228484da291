/** Random writes on the SQLite store end in what a store of a few maps says. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Digest } from "../../src/core/digest.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { Tag } from "../../src/core/tag.ts";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type { HeldBlob, ManifestPush, MetadataStore } from "../../src/ports/metadata_store.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { MemoryMetadataStore } from "../model/memory_metadata_store.ts";
import { fakeDigest, push, reference, repo, tag, TempStorage } from "./temp_storage.ts";

const REPOSITORIES = ["a", "a/b", "a-b"].map(repo);
const TAGS = ["v1", "V1", "v1.0"].map(tag);
/** Size of a blob is 10 times its number. */
const BLOBS = [1, 2, 3].map(fakeDigest);
const MANIFESTS = ["one", "two", "three"].map((text) => push(REPOSITORIES[0]!, text));
const SESSIONS = Array.from({ length: 4 }, makeUploadSessionId);

interface World {
  readonly real: MetadataStore;
  readonly model: MemoryMetadataStore;
  /** Goes on with each step, as the clock does. */
  time: number;
  /** Blob files that lie on the disk. */
  readonly files: Set<BlobFile>;
}

type Step = (world: World) => Promise<void>;

const repository = fc.constantFrom(...REPOSITORIES);
const blob = fc.constantFrom(...BLOBS);
const session = fc.constantFrom(...SESSIONS);

const step: fc.Arbitrary<Step> = fc.oneof(
  named("start", fc.tuple(session, repository), async ({ real, model, time }, id, name) => {
    if (model.uploads.has(id)) return;
    const upload = { id, repository: name, algorithm: undefined, startedAt: time, owner: "", hasFile: true };
    await real.startUpload(upload);
    await model.startUpload(upload);
  }),
  named("finish", fc.tuple(session, fc.option(repository), blob), (world, id, name, digest) => {
    // Mostly in the session's own repository, else nothing is ever finished.
    return finish(world, id, name ?? world.model.uploads.get(id)?.repository ?? REPOSITORIES[0]!, digest);
  }),
  named("upload", fc.tuple(repository, blob), async (world, name, digest) => {
    const upload = {
      id: makeUploadSessionId(),
      repository: name,
      algorithm: undefined,
      startedAt: world.time,
      owner: "",
      hasFile: true,
    };
    await world.real.startUpload(upload);
    await world.model.startUpload(upload);
    world.time++;
    await finish(world, upload.id, name, digest);
  }),
  named("cancel", fc.tuple(session, repository), both((store, id, name) => store.cancelUpload(name, id))),
  named("announce", fc.tuple(repository, blob), async ({ real, model, time }, name, digest) => {
    await real.announceBlob(name, digest, time);
    await model.announceBlob(name, digest, time);
  }),
  named(
    "mount",
    fc.tuple(repository, repository, blob),
    async ({ real, model, time }, name, from, digest) => {
      const mount = { repository: name, from, digest, at: time };
      const [one, other] = [await real.mountBlob(mount), await model.mountBlob(mount)];
      assert.deepEqual(withoutFile(one as HeldBlob | undefined), withoutFile(other as HeldBlob | undefined));
    },
  ),
  named("push", arbitraryPush(), async ({ real, model, time }, manifest) => {
    const stamped = { ...manifest, at: time };
    assert.deepEqual(await real.putManifest(stamped), await model.putManifest(stamped));
  }),
  named(
    "delete tag",
    fc.tuple(repository, fc.constantFrom(...TAGS)),
    both((store, name, tag) => store.deleteTag(name, tag, 1000)),
  ),
  named(
    "delete manifest",
    fc.tuple(repository, fc.constantFrom(...MANIFESTS)),
    both((store, name, manifest) => store.deleteManifest(name, manifest.digest, 1000)),
  ),
  named(
    "restore tag",
    fc.tuple(repository, fc.constantFrom(...TAGS), fc.constantFrom(...MANIFESTS)),
    async ({ real, model, time }, name, tag, { digest }) => {
      const restore = { repository: name, tag, digest, immutable: false, at: time };
      assert.deepEqual(await real.restoreTag(restore), await model.restoreTag(restore));
    },
  ),
  named(
    "prune history",
    fc.tuple(fc.nat(60)),
    both((store, ago) => store.pruneTagHistory(1000 + ago, 100)),
  ),
  named("delete blob", fc.tuple(repository, blob), async ({ real, model, files }, name, digest) => {
    const [one, other] = [await real.deleteBlob(name, digest), await model.deleteBlob(name, digest)];
    assert.equal(one.kind, other.kind);
    if (one.kind !== "deleted" || other.kind !== "deleted") return;
    assert.equal(one.obsolete === undefined, other.obsolete === undefined);
    if (one.obsolete !== undefined) assert.ok(files.delete(one.obsolete), "a file becomes obsolete once");
  }),
);

/** A step whose name and values are shown when it is part of a counterexample. */
function named<T extends unknown[]>(
  name: string,
  values: fc.Arbitrary<T>,
  run: (world: World, ...values: T) => Promise<void>,
): fc.Arbitrary<Step> {
  return values.map((these) =>
    Object.assign((world: World) => run(world, ...these), {
      [fc.toStringMethod]: () => `${name}(${fc.stringify(these)})`,
    })
  );
}

/** Runs the same on both stores and compares what they say. */
function both<T extends unknown[]>(run: (store: MetadataStore, ...values: T) => Promise<unknown>) {
  return async ({ real, model }: World, ...values: T): Promise<void> => {
    assert.deepEqual(await run(real, ...values), await run(model, ...values));
  };
}

async function finish(
  world: World,
  id: UploadSessionId,
  name: RepositoryName,
  digest: Digest,
): Promise<void> {
  const { real, model, time, files } = world;
  // A path is never used twice, though the test has few sessions.
  const file = `${blobFileOf(digest, id)}.${time}` as BlobFile;
  const upload = { session: id, repository: name, digest, size: sizeOf(digest), file, at: time };
  files.add(file);
  const [one, other] = [await real.finishUpload(upload), await model.finishUpload(upload)];
  assert.equal(one.kind, other.kind);
  if (one.kind !== "finished") files.delete(file);
  else if (one.obsolete !== undefined) assert.ok(files.delete(one.obsolete), "a file becomes obsolete once");
}

function arbitraryPush(): fc.Arbitrary<[ManifestPush]> {
  const kind = fc.constantFrom("config" as const, "layer" as const, "child" as const, "foreign" as const);
  const references = fc.uniqueArray(
    fc.record({ kind, digest: blob, wrong: fc.integer({ min: 0, max: 4 }) }).map(({ kind, digest, wrong }) =>
      reference(kind, digest, sizeOf(digest) + (wrong === 0 ? 1 : 0))
    ),
    { selector: ({ kind, digest }) => kind + digest, maxLength: 4 },
  );
  return fc.record({
    manifest: fc.constantFrom(...MANIFESTS),
    repository,
    references,
    tags: fc.uniqueArray(fc.constantFrom(...TAGS)),
    subject: fc.option(fc.constantFrom(...MANIFESTS.map(({ digest }) => digest))),
    artifactType: fc.option(fc.constantFrom("type/1", "type/2")),
    requireBlobs: fc.boolean(),
  }).map(({ manifest, subject, artifactType, ...rest }) => [{
    ...manifest,
    ...rest,
    ...(subject !== null && { subject }),
    ...(artifactType !== null && { artifactType, annotations: { of: artifactType } }),
  }]);
}

function sizeOf(digest: Digest): number {
  return 10 * (1 + BLOBS.indexOf(digest));
}

function withoutFile<T extends { file: BlobFile }>(blob: T | undefined): Omit<T, "file"> | undefined {
  if (blob === undefined) return undefined;
  const { file: _, ...rest } = blob;
  return rest;
}

/** Everything that can be read of a store, except which file is current. */
async function readEverything(store: MetadataStore): Promise<unknown> {
  const everything: unknown[] = [
    await store.listRepositories({ limit: 9 }),
    await store.listUploads(Infinity, { limit: 9 }),
  ];
  for (const digest of BLOBS) everything.push(await store.listHolders(digest, 9));
  for (const name of REPOSITORIES) {
    everything.push(name, await store.hasRepository(name), await store.listTags(name, { limit: 9 }));
    everything.push(await store.readUsage(name));
    for (const digest of BLOBS) everything.push((await store.listManifestsWith(name, digest, 9)).sort());
    for (const tag of TAGS) {
      const changes = await store.listTagHistory(name, tag, { limit: 99 });
      everything.push(changes.map(({ id: _, ...change }) => change));
    }
    for (const tag of TAGS as Tag[]) everything.push(await store.findManifest(name, { kind: "tag", tag }));
    for (const { digest } of MANIFESTS) {
      everything.push(await store.findManifest(name, { kind: "digest", digest }));
      everything.push(await store.listReferrers(name, digest, { limit: 9 }));
      everything.push(await store.listReferrers(name, digest, { limit: 9, artifactType: "type/1" }));
    }
    for (const digest of BLOBS) everything.push(withoutFile(await store.findBlob(name, digest)));
    for (const id of SESSIONS) everything.push(await store.findUpload(name, id));
  }
  return everything;
}

Deno.test("the SQLite store and the store in memory agree after any sequence of writes, and every row has its file", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      using storage = new TempStorage();
      using metadata = storage.openMetadata();
      const world: World = {
        real: metadata.store,
        model: new MemoryMetadataStore(),
        time: 1000,
        files: new Set(),
      };
      for (const run of steps) {
        world.time++;
        await run(world);
      }
      assert.deepEqual(await readEverything(world.real), await readEverything(world.model));
      const current = metadata.rows("SELECT file FROM blob ORDER BY file").map(({ file }) => file);
      assert.deepEqual(current, [...world.files].sort());
      assert.deepEqual(metadata.rows("PRAGMA foreign_key_check"), []);
    }),
    { numRuns: 200 },
  );
});
