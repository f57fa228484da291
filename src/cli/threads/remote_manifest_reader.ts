/** The ManifestReader of an HTTP thread: small manifests at once, large ones in the thread that is there for them. */
import type { Digest } from "../../core/digest.ts";
import type { IndexEntry } from "../../core/index_entries.ts";
import type { ManifestReader, ReadManifest, SentManifest } from "../../ports/manifest_reader.ts";
import { countWholeBody } from "../../server/dead_buffers.ts";
import type { ManifestAnswer, ManifestQuestion } from "./manifest_thread.ts";
import type { PortCalls } from "./port_calls.ts";

/** Bytes from which a manifest goes to the thread: a smaller one takes less than 5 ms. */
export const LARGE_MANIFEST = 256 * 1024;

/** Entries of indexes that are remembered, of some 300 bytes each. */
const MOST_ENTRIES = 50_000;

type ManifestCalls = PortCalls<ManifestQuestion, ManifestAnswer>;

export class RemoteManifestReader implements ManifestReader {
  readonly #local: ManifestReader;
  readonly #openThread: () => Promise<ManifestCalls>;
  #thread: Promise<ManifestCalls> | undefined;
  /** By digest, so never out of date; the least recently read ones go first. */
  readonly #remembered = new Map<Digest, readonly IndexEntry[]>();
  #entries = 0;

  /** @param openThread called once, when the first large manifest comes */
  constructor(local: ManifestReader, openThread: () => Promise<ManifestCalls>) {
    this.#local = local;
    this.#openThread = openThread;
  }

  async read(sent: SentManifest): Promise<ReadManifest> {
    if (sent.bytes.length < LARGE_MANIFEST) return await this.#local.read(sent);
    // Only a buffer of its own can be given away.
    const bytes = sent.bytes.length === sent.bytes.buffer.byteLength ? sent.bytes : sent.bytes.slice();
    const question: ManifestQuestion = { kind: "read", sent: { ...sent, bytes } };
    const read = await this.#ask(question, [bytes.buffer as ArrayBuffer]) as ReadManifest;
    countWholeBody(read.bytes.length, read.manifest.references.length);
    return read;
  }

  async readEntries(digest: Digest, index: Uint8Array): Promise<readonly IndexEntry[]> {
    const remembered = this.#remembered.get(digest);
    const entries = remembered ??
      (index.length < LARGE_MANIFEST
        ? await this.#local.readEntries(digest, index)
        : await this.#ask({ kind: "entries", digest, index }, []) as readonly IndexEntry[]);
    this.#remember(digest, entries);
    return entries;
  }

  async #ask(question: ManifestQuestion, transfer: ArrayBuffer[]): Promise<ManifestAnswer> {
    this.#thread ??= this.#openThread();
    return await (await this.#thread).call(question, transfer);
  }

  #remember(digest: Digest, entries: readonly IndexEntry[]): void {
    this.#entries += costOf(entries) - costOf(this.#remembered.get(digest));
    this.#remembered.delete(digest);
    this.#remembered.set(digest, entries);
    for (const [oldest, { length }] of this.#remembered) {
      if (this.#entries <= MOST_ENTRIES) break;
      this.#remembered.delete(oldest);
      this.#entries -= length + 1;
    }
  }
}

/** An empty index takes room too. */
function costOf(entries: readonly IndexEntry[] | undefined): number {
  return entries === undefined ? 0 : entries.length + 1;
}
