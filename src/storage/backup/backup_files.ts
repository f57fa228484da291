/** The blob files of a backup: shared with the data directory or an earlier backup where that can be, else copied. */
import { statfs } from "node:fs/promises";
import type { Digest } from "../../core/digest.ts";
import { formatSize } from "../../core/format_size.ts";
import type { BlobRecord } from "../../ports/scrub_store.ts";
import { isDatabaseFile, isWithdrawnFile, type Layout } from "../files/layout.ts";
import { type BlobFault, copyFile, linkFile, MISSING, wrongSize } from "./copy_blob.ts";

/** Files that are copied beside each other: small ones mostly wait for the disk. */
const COPIES_AT_ONCE = 8;

/** Damaged blobs that are named; the others are counted. */
const MOST_DAMAGES = 1000;

export interface BackupFilesOptions {
  readonly from: Layout;
  readonly to: Layout;
  readonly previous: PreviousBackup | undefined;
  readonly copy: boolean;
  /** Bytes to leave free where both are on one file system. */
  readonly minimumFreeSpace: number;
}

/** An earlier backup whose files are shared. */
export interface PreviousBackup {
  readonly layout: Layout;
  /** Digests of what is damaged in it; undefined where that is not known of each. */
  readonly damaged: ReadonlySet<string> | undefined;
}

export interface BlobDamage {
  readonly digest: Digest;
  readonly fault: string;
}

type Pages = () => AsyncIterable<readonly BlobRecord[]>;

export class BackupFiles {
  readonly #options: BackupFilesOptions;
  #mayLink: boolean;
  readonly counts = { linked: 0, from_previous: 0, copied: 0, in_database: 0 };
  damaged = 0;
  readonly damages: BlobDamage[] = [];

  constructor(options: BackupFilesOptions) {
    this.#options = options;
    this.#mayLink = !options.copy;
  }

  /**
   * Brings every file that a row names. A blob without one, or with one that is damaged, is told and keeps nothing back.
   *
   * @param pages all rows, each time that it is called
   * @param passed told of bytes of blobs that are dealt with
   */
  async bringAll(pages: Pages, passed: (bytes: number) => void): Promise<void> {
    if (!this.#mayLink) await this.#requireRoom(pages);
    for await (const page of pages()) {
      const unlinked = page.filter((record) => !this.#share(record, passed));
      if (unlinked.length > 0 && this.counts.copied === 0 && !this.#options.copy) {
        // Only now it is known that files have to be copied.
        await this.#requireRoom(pages);
      }
      await this.#copyAll(unlinked, passed);
    }
  }

  /** True when nothing is left to be done for the blob. */
  #share(record: BlobRecord, passed: (bytes: number) => void): boolean {
    const { from, to } = this.#options;
    const { file, size } = record;
    // The snapshot of the database has its bytes.
    if (isDatabaseFile(file)) {
      this.counts.in_database++;
      passed(size);
      return true;
    }
    if (isWithdrawnFile(file)) {
      this.#tell(record, MISSING);
      passed(size);
      return true;
    }
    const before = this.#inPrevious(record);
    if (before !== undefined && linkFile(before, to.blob(file)) === "linked") {
      this.counts.from_previous++;
      passed(size);
      return true;
    }
    if (!this.#mayLink) return false;
    switch (linkFile(from.blob(file), to.blob(file))) {
      case "linked": {
        this.counts.linked++;
        const actual = sizeOf(to.blob(file)) ?? 0;
        this.#tell(record, actual === size ? undefined : wrongSize(actual, size));
        passed(size);
        return true;
      }
      case "missing":
        this.#tell(record, MISSING);
        passed(size);
        return true;
      case "full":
        return false;
      case "never":
        this.#mayLink = false;
        return false;
    }
  }

  async #copyAll(records: readonly BlobRecord[], passed: (bytes: number) => void): Promise<void> {
    const { from, to } = this.#options;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < records.length) {
        const record = records[next++]!;
        const fault = await copyFile(from.blob(record.file), to.blob(record.file), record, passed);
        if (fault !== MISSING) this.counts.copied++;
        this.#tell(record, fault);
      }
    };
    await Promise.all(Array.from({ length: COPIES_AT_ONCE }, worker));
  }

  /** The file in the previous backup; undefined where that has none, or one that it says is damaged: a new copy tells again. */
  #inPrevious({ digest, file, size }: BlobRecord): string | undefined {
    const { previous } = this.#options;
    if (previous?.damaged === undefined || previous.damaged.has(digest)) return undefined;
    // No file name is ever used twice: what has it there has the same bytes.
    const path = previous.layout.blob(file);
    return sizeOf(path) === size ? path : undefined;
  }

  /** Before hours of copying and not after them. */
  async #requireRoom(pages: Pages): Promise<void> {
    const { from, to, minimumFreeSpace } = this.#options;
    let needed = 0;
    for await (const page of pages()) {
      for (const record of page) {
        if (isDatabaseFile(record.file)) continue;
        const isThere = sizeOf(to.blob(record.file)) !== undefined || this.#inPrevious(record) !== undefined;
        if (!isThere) needed += record.size;
      }
    }
    const { bavail, bsize } = await statfs(to.rootDir);
    const isShared = Deno.statSync(from.rootDir).dev === Deno.statSync(to.rootDir).dev;
    const kept = isShared ? minimumFreeSpace : 0;
    if (bavail * bsize - kept >= needed) return;
    throw new Error(
      `Cannot make a backup in ${to.rootDir}: ${formatSize(needed)} have to be copied, ` +
        `${formatSize(Math.max(0, bavail * bsize - kept))} are free there`,
    );
  }

  #tell({ digest }: BlobRecord, fault: BlobFault): void {
    if (fault === undefined) return;
    this.damaged++;
    if (this.damages.length < MOST_DAMAGES) this.damages.push({ digest, fault });
  }
}

/** Bytes of a file; undefined where there is none. */
function sizeOf(path: string): number | undefined {
  try {
    const { isFile, size } = Deno.lstatSync(path);
    return isFile ? size : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
