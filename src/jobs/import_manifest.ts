/** Brings one manifest of an import with everything below it: blobs first, then the manifests of an index, then it. */
import { algorithmOf, type Digest } from "../core/digest.ts";
import { manifestTypeOf } from "../core/manifest_type.ts";
import { MANIFEST_TYPES, type ManifestReference } from "../core/manifest.ts";
import { isIndexType, type MediaType } from "../core/media_type.ts";
import { OciError } from "../core/oci_error.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { Tag } from "../core/tag.ts";
import type { ReadManifest } from "../ports/manifest_reader.ts";
import { pushManifest } from "../registry/push.ts";
import { importBlob } from "./import_blob.ts";
import type { ImportTally } from "./import_report.ts";
import { type ImportWork, reasonOf } from "./import_work.ts";

/** Blobs of a manifest that come beside each other: most of the time goes into waiting for the disk. */
const BLOBS_AT_ONCE = 4;

/** Times that a manifest is tried whose blobs a collection takes before it comes. */
const MOST_TRIES = 3;

interface Step {
  readonly digest: Digest;
  /** Set when its children have been looked at. */
  expanded: boolean;
}

/** The manifests of one repository. */
export class ManifestImport {
  readonly #work: ImportWork;
  readonly #tally: ImportTally;
  readonly #repository: RepositoryName;
  readonly #seen = new Map<Digest, "here" | "absent" | "refused">();
  /** Blobs that a dry run has counted as coming, wherever it met them. */
  readonly #counted: Set<Digest>;

  constructor(work: ImportWork, tally: ImportTally, repository: RepositoryName, counted: Set<Digest>) {
    this.#work = work;
    this.#tally = tally;
    this.#repository = repository;
    this.#counted = counted;
  }

  /**
   * Brings a manifest and what is below it, and lets the tags name it. What cannot come is told to the tally.
   *
   * @throws what ends the whole import
   */
  async bring(digest: Digest, tags: readonly Tag[]): Promise<void> {
    const before = this.#seen.get(digest);
    // What an index may lack, or what was refused without its tags, is told once more where it stands by itself.
    if (before === "absent" || (before === "refused" && tags.length > 0)) this.#seen.delete(digest);
    // No recursion: how deep indexes lie in each other is for the source to say.
    const steps: Step[] = [{ digest, expanded: false }];
    for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
      this.#work.signal.throwIfAborted();
      try {
        const children = this.#seen.has(step.digest) ? [] : await this.#take(step, steps.length > 1);
        for (const child of children) steps.push({ digest: child, expanded: false });
        if (children.length > 0) continue;
      } catch (error) {
        this.#refuse(step.digest, step.digest === digest ? tags : [], error);
        this.#seen.set(step.digest, "refused");
      }
      steps.pop();
    }
    if (this.#seen.get(digest) === "here") await this.#tag(digest, tags);
  }

  /** Gives the manifests that have to come before; none when this one has come. */
  async #take(step: Step, isChild: boolean): Promise<Digest[]> {
    const read = await this.#read(step.digest);
    if (read === undefined) {
      // An index may lack some of its manifests.
      if (!isChild) throw new SourceFault("its bytes are not there");
      this.#tally.absentChildren++;
      this.#seen.set(step.digest, "absent");
      return [];
    }
    if (!step.expanded && isIndexType(read.manifest.mediaType)) {
      step.expanded = true;
      const entries = await this.#work.registry.manifests.readEntries(step.digest, read.bytes);
      const children = entries.filter(isManifest).map((entry) => entry.digest)
        .filter((child) => !this.#seen.has(child));
      if (children.length > 0) return children;
    }
    await this.#push(read);
    this.#seen.set(step.digest, "here");
    return [];
  }

  async #read(digest: Digest): Promise<ReadManifest | undefined> {
    const { registry, source } = this.#work;
    const found = await source.readManifest(this.#repository, digest, registry.settings.maxManifestSize);
    if (found === undefined) return undefined;
    const { bytes, mediaType } = found;
    // The digest first: of bytes that are not those of the manifest nothing else is worth saying.
    if (registry.hasher.digestOf(bytes, algorithmOf(digest)) !== digest) {
      throw new SourceFault("it is damaged there: its bytes have another digest");
    }
    return await registry.manifests.read({
      bytes,
      contentType: mediaType ?? manifestTypeOf(bytes),
      stated: digest,
    });
  }

  async #push(read: ReadManifest): Promise<void> {
    const { registry, dryRun } = this.#work;
    const reference: Reference = { kind: "digest", digest: read.digest };
    const isThere = await registry.metadata.findManifest(this.#repository, reference) !== undefined;
    await this.#bringBlobs(read);
    if (!dryRun && !isThere) await this.#pushUntilWhole(read, reference);
    this.#tally.manifests[isThere ? "there" : "came"]++;
  }

  async #pushUntilWhole(read: ReadManifest, reference: Reference): Promise<void> {
    for (let tries = 1;; tries++) {
      try {
        await this.#pushAs(read, reference, []);
        return;
      } catch (error) {
        // Large blobs may take longer than what came before them is kept without a manifest.
        const wentMissing = error instanceof OciError && error.code === "MANIFEST_BLOB_UNKNOWN";
        if (!wentMissing || tries === MOST_TRIES) throw error;
        await this.#bringBlobs(read);
      }
    }
  }

  async #pushAs(
    { bytes, manifest }: ReadManifest,
    reference: Reference,
    tags: readonly Tag[],
  ): Promise<void> {
    await pushManifest(this.#work.registry, {
      repository: this.#repository,
      reference,
      tags,
      contentType: manifest.mediaType,
      // The store takes them over.
      bytes: bytes.slice(),
    });
  }

  /** @throws {SourceFault} naming a blob that has to be there and is not */
  async #bringBlobs({ digest, manifest, bytes }: ReadManifest): Promise<void> {
    const wanted = new Map<Digest, ManifestReference>();
    for (const reference of manifest.references) {
      if (reference.kind !== "child") wanted.set(reference.digest, reference);
    }
    if (isIndexType(manifest.mediaType)) {
      // Entries that are no manifests are blobs, as a cache of builds has them.
      const entries = await this.#work.registry.manifests.readEntries(digest, bytes);
      for (const entry of entries) {
        if (!isManifest(entry)) wanted.set(entry.digest, { ...entry, kind: "foreign" });
      }
    }
    await inTurns([...wanted.values()], BLOBS_AT_ONCE, (reference) => this.#bringBlob(reference));
  }

  async #bringBlob(reference: ManifestReference): Promise<void> {
    const { dryRun, registry } = this.#work;
    const arrival = await importBlob(this.#work, this.#repository, reference);
    if (arrival === undefined) {
      const mayLack = reference.kind === "foreign" || registry.settings.allowMissingManifestReferences;
      if (!mayLack) throw new SourceFault(`its blob ${reference.digest} is not there`);
      return;
    }
    const isCounted = dryRun && arrival === "came" && this.#counted.has(reference.digest);
    this.#tally.blobs[isCounted ? "shared" : arrival]++;
    if (arrival !== "came" || isCounted) return;
    this.#counted.add(reference.digest);
    this.#tally.bytes += reference.size;
  }

  async #tag(digest: Digest, tags: readonly Tag[]): Promise<void> {
    const { registry, dryRun } = this.#work;
    const moving: Tag[] = [];
    for (const tag of tags) {
      const named = await registry.metadata.findManifest(this.#repository, { kind: "tag", tag });
      if (named?.digest === digest) this.#tally.tags.there++;
      else moving.push(tag);
    }
    if (dryRun) this.#tally.tags.came += moving.length;
    else if (moving.length > 0) await this.#moveTags(digest, moving);
  }

  async #moveTags(digest: Digest, tags: readonly Tag[]): Promise<void> {
    try {
      const read = await this.#read(digest);
      if (read === undefined) throw new SourceFault("its bytes are not there any more");
      await this.#pushAs(read, { kind: "digest", digest }, tags);
      this.#tally.tags.came += tags.length;
    } catch (error) {
      if (tags.length === 1) return this.#refuse(digest, tags, error);
      if (reasonOf(error) === undefined) throw error;
      // One of them must not move: the others come one by one.
      for (const tag of tags) await this.#moveTags(digest, [tag]);
    }
  }

  #refuse(digest: Digest, tags: readonly Tag[], fault: unknown): void {
    const why = reasonOf(fault);
    if (why === undefined) throw fault;
    const shown = tags.slice(0, 5).join(", ");
    const more = tags.length > 5 ? ` and ${tags.length - 5} more` : "";
    const names = tags.length === 0 ? "" : ` (${shown}${more})`;
    this.#tally.refuse({ subject: `${this.#repository}@${digest}${names}`, why });
  }
}

function isManifest({ mediaType }: { readonly mediaType: MediaType }): boolean {
  return MANIFEST_TYPES.includes(mediaType);
}

/** Works on the items, some of them beside each other; begins no other one after a fault, which it throws at the end. */
async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const faults: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && faults.length === 0) {
      const item = items[next++]!;
      try {
        await work(item);
      } catch (fault) {
        faults.push(fault);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (faults.length > 0) throw faults.find((fault) => reasonOf(fault) === undefined) ?? faults[0];
}
