/** Writes a bundle: what a plan names goes into an archive, small things first, each blob held against its digest. */
import type { Digest } from "../core/digest.ts";
import { LARGEST_SMALL_BLOB } from "../core/small_blob.ts";
import { formatSize } from "../core/format_size.ts";
import type { ArchivedFile, ArchiveWriter } from "../ports/archive.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { Hasher } from "../ports/hasher.ts";
import { type BundleContents, type EarlierBundle, writeContents } from "./bundle_contents.ts";
import {
  compare,
  INDEX_FILE,
  LARGEST_INDEX,
  LAYOUT_FILE,
  pathOf,
  SIGNATURE_FILE,
  writeIndex,
  writeLayoutFile,
} from "./bundle_format.ts";
import { type BundlePlan, type ExportedContent, type Lack, planBundle } from "./bundle_plan.ts";
import type { Selection } from "./bundle_selection.ts";

export interface BundleExport {
  /** As it is at one moment, until `endOfReading` is called. */
  readonly content: ExportedContent;
  readonly endOfReading: () => void;
  /** Gives whole blobs only, and breaks the reading of a damaged one. */
  readonly blobs: Pick<BlobStore, "open" | "isWhole">;
  readonly hasher: Hasher;
  readonly selections: readonly Selection[];
  /** What earlier bundles hold, which is left out. */
  readonly earlier: ReadonlyMap<Digest, EarlierBundle>;
  /** Gives the signature of the index. */
  readonly sign?: (index: Uint8Array) => Uint8Array;
  readonly archive: ArchiveWriter;
  /** @throws {Error} when an archive of so many bytes cannot be written */
  readonly requireRoom: (bytes: number) => Promise<void>;
  readonly progress: (what: "manifests" | "bytes", done: number, total?: number) => void;
  /** Aborted when the bundle is not wanted any more, or cannot become whole. */
  readonly signal: AbortSignal;
}

/** As it is shown to programs. */
export interface BundleReport {
  /** Digest of the index: the name of the bundle among others. */
  readonly bundle: Digest;
  readonly signed: boolean;
  readonly repositories: number;
  readonly tags: number;
  readonly manifests: number;
  readonly blobs: number;
  /** Bytes of the archive. */
  readonly size: number;
  readonly left_out: {
    readonly blobs: number;
    readonly bytes: number;
    /** The bundles that have to be imported before. */
    readonly earlier: readonly EarlierBundle[];
  };
  /** What the registry itself does not have; 100 at most. */
  readonly lacking: readonly Lack[];
}

/** @throws {Error} when nothing is selected, content is damaged, or the archive cannot be written */
export async function exportBundle(work: BundleExport): Promise<BundleReport> {
  const { content, selections, progress, archive, signal } = work;
  const plan = await planBundle(content, selections, (count) => progress("manifests", count));
  const contents = divide(plan, work.earlier);
  const taken = [...contents.blobs].filter(([, blob]) => blob.in === undefined)
    .map(([digest]) => digest).sort(compare);
  await requireWhole(work, plan, taken);

  const list = writeContents(contents);
  const listDigest = work.hasher.digestOf(list, "sha256");
  const index = writeIndex(plan.entries, listDigest);
  if (index.length > LARGEST_INDEX) {
    throw new Error(
      `Cannot export so much at once: the index has ${formatSize(index.length)}, at most ${
        formatSize(LARGEST_INDEX)
      } are read again; make several bundles`,
    );
  }
  const head: [name: string, bytes: Uint8Array][] = [
    [LAYOUT_FILE, writeLayoutFile()],
    [INDEX_FILE, index],
    ...(work.sign === undefined ? [] : [[SIGNATURE_FILE, work.sign(index)] as [string, Uint8Array]]),
    [pathOf(listDigest), list],
  ];
  const total = archive.sizeOf(filesOf(head, plan, taken));
  await work.requireRoom(total);
  for (const [name, bytes] of head) await archive.addBytes(name, bytes);
  for (const [digest, { repository }] of [...plan.manifests].sort(([a], [b]) => compare(a, b))) {
    signal.throwIfAborted();
    const manifest = await content.findManifest(repository, { kind: "digest", digest });
    if (manifest === undefined) throw new Error(`Cannot export manifest ${digest}: its bytes are damaged`);
    await archive.addBytes(pathOf(digest), manifest.bytes);
  }
  const addBlobs = async (digests: readonly Digest[]): Promise<void> => {
    for (const digest of digests) {
      await addBlob(work, digest, plan, () => progress("bytes", archive.written, total));
    }
  };
  // Wherever a small blob is kept, so that the same content makes the same archive.
  const { small = [], large = [] } = Object.groupBy(
    taken,
    (digest) => plan.blobs.get(digest)!.size <= LARGEST_SMALL_BLOB ? "small" : "large",
  );
  await addBlobs(small);
  // From here on only files are read, and they stay.
  work.endOfReading();
  await addBlobs(large);
  await archive.finish();
  signal.throwIfAborted();
  return report(plan, contents, work, work.hasher.digestOf(index, "sha256"));
}

/** Which blobs the bundle holds, and which an earlier one does. */
function divide(plan: BundlePlan, earlier: ReadonlyMap<Digest, EarlierBundle>): BundleContents {
  const blobs = new Map<Digest, { size: number; in?: EarlierBundle }>();
  for (const [digest, { size }] of plan.blobs) {
    // Bytes that are a manifest too are there already.
    if (plan.manifests.has(digest)) continue;
    const holder = earlier.get(digest);
    blobs.set(digest, holder === undefined ? { size } : { size, in: holder });
  }
  const holders = new Set([...blobs.values()].flatMap((blob) => blob.in ?? []));
  return { earlier: [...holders].sort((a, b) => compare(a.id, b.id)), blobs };
}

/** Looks before the first byte is written: what fails after an hour could have been known. */
async function requireWhole(
  { blobs }: BundleExport,
  plan: BundlePlan,
  digests: readonly Digest[],
): Promise<void> {
  for (const digest of digests) {
    const { file, size } = plan.blobs.get(digest)!;
    if (!await blobs.isWhole(file, size)) throw damaged(digest);
  }
}

async function addBlob(
  { blobs, archive, signal }: BundleExport,
  digest: Digest,
  plan: BundlePlan,
  onChunk: () => void,
): Promise<void> {
  const { file, size } = plan.blobs.get(digest)!;
  const reader = await blobs.open(file, size);
  if (reader === undefined) throw damaged(digest);
  try {
    await archive.addChunks(pathOf(digest), size, watched(reader.read(0, size), onChunk, signal));
  } finally {
    reader.close();
  }
}

async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: () => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
    onChunk();
  }
}

function damaged(digest: Digest): Error {
  return new Error(
    `Cannot export blob ${digest}: its file is missing or damaged. ` +
      "`simple-registry scrub` says what needs it; push it again, or leave out what needs it",
  );
}

function* filesOf(
  head: readonly [name: string, bytes: Uint8Array][],
  plan: BundlePlan,
  taken: readonly Digest[],
): Generator<ArchivedFile> {
  for (const [name, { length }] of head) yield { name, size: length };
  for (const [digest, { size }] of plan.manifests) yield { name: pathOf(digest), size };
  for (const digest of taken) yield { name: pathOf(digest), size: plan.blobs.get(digest)!.size };
}

function report(
  plan: BundlePlan,
  { earlier, blobs }: BundleContents,
  { archive, sign }: BundleExport,
  bundle: Digest,
): BundleReport {
  const leftOut = [...blobs.values()].filter((blob) => blob.in !== undefined);
  return {
    bundle,
    signed: sign !== undefined,
    repositories: plan.repositories,
    tags: plan.tags,
    manifests: plan.manifests.size,
    blobs: blobs.size - leftOut.length,
    size: archive.written,
    left_out: {
      blobs: leftOut.length,
      bytes: leftOut.reduce((sum, { size }) => sum + size, 0),
      earlier,
    },
    lacking: plan.lacking,
  };
}
