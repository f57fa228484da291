/** A backup: a data directory of its own, as the registry was at one moment, on which a server can start. */
import type { Digest } from "../../core/digest.ts";
import { Layout, makeFolders, syncFolderNow } from "../files/layout.ts";
import { openForReading } from "../sqlite/open_database.ts";
import { SqliteScrubStore } from "../sqlite/sqlite_scrub_store.ts";
import { BackupFiles, type BlobDamage, type PreviousBackup } from "./backup_files.ts";
import { markWhole, readDamages } from "./backup_folder.ts";
import { snapshotDatabase } from "./snapshot_database.ts";

export interface MakeBackup {
  /** The data directory. While this runs nobody removes a blob file from it. */
  readonly rootDir: string;
  /** As {@linkcode makeBackupFolder} makes it. */
  readonly directory: string;
  /** Another whole backup: what is in it already is shared with it. */
  readonly previous: string | undefined;
  /** Copies each file although the data directory is on the same file system. */
  readonly copy: boolean;
  /** Bytes to leave free where the backup is on the file system of the data directory. */
  readonly minimumFreeSpace: number;
  /** Of the program, for the report. */
  readonly version: string;
  readonly progress: (progress: BackupProgress) => void;
}

/** How far a backup is, in bytes. The size of the database is not known before it is copied. */
export interface BackupProgress {
  readonly what: "database" | "blobs";
  readonly done: number;
  readonly total?: number;
}

export interface BackupReport {
  readonly directory: string;
  readonly of: string;
  /** The registry as it was then, in ISO form. */
  readonly made_at: string;
  readonly version: string;
  /** Bytes. */
  readonly database: number;
  readonly blobs: number;
  /** Bytes of the blobs. */
  readonly bytes: number;
  /** Files that are the same files as those of the data directory. */
  readonly linked: number;
  /** Files that are those of the previous backup. */
  readonly from_previous: number;
  readonly copied: number;
  /** Small blobs, which the database keeps. */
  readonly in_database: number;
  /** Open uploads, which are left out. */
  readonly upload_sessions: number;
  /** How many blobs the data directory has lost or damaged. They are as they were there. */
  readonly damaged: number;
  /** The first thousand of them. */
  readonly damages: readonly BlobDamage[];
  readonly ms: number;
}

/**
 * Makes a backup: the database first, then every file that it names. Until the end a mark in the folder says that the backup
 * is not whole, and the database has not its name.
 *
 * @throws what keeps it from being made; what is there then is marked, and is nothing to start on
 */
export async function makeBackup(options: MakeBackup): Promise<BackupReport> {
  const started = performance.now();
  const [from, to] = [new Layout(options.rootDir), new Layout(options.directory)];
  const previous = options.previous === undefined ? undefined : openPrevious(options.previous);
  const unnamed = `${to.database}.incomplete`;
  const madeAt = new Date().toISOString();
  options.progress({ what: "database", done: 0 });
  const snapshot = await snapshotDatabase(from.database, unnamed);
  makeFolders(to);
  const files = new BackupFiles({ ...options, from, to, previous });
  const { blobs, blobBytes } = await bringFiles(files, unnamed, options.progress);
  for (const folder of to.blobFolders()) syncFolderNow(folder);
  Deno.renameSync(unnamed, to.database);
  syncFolderNow(to.rootDir);
  const report: BackupReport = {
    directory: options.directory,
    of: options.rootDir,
    made_at: madeAt,
    version: options.version,
    database: snapshot.size,
    blobs,
    bytes: blobBytes,
    ...files.counts,
    upload_sessions: snapshot.uploadSessions,
    damaged: files.damaged,
    damages: files.damages,
    ms: Math.round(performance.now() - started),
  };
  markWhole(to, report);
  return report;
}

function openPrevious(directory: string): PreviousBackup {
  const layout = new Layout(directory);
  return { layout, damaged: readDamages(layout) };
}

async function bringFiles(
  files: BackupFiles,
  database: string,
  progress: (progress: BackupProgress) => void,
): Promise<{ blobs: number; blobBytes: number }> {
  using store = new SqliteScrubStore(openForReading(database));
  const totals = await store.count();
  let done = 0;
  await files.bringAll(
    () => pagesOf(store),
    (bytes) => progress({ what: "blobs", done: done += bytes, total: totals.blobBytes }),
  );
  return totals;
}

/** Rows that are read at once. */
const PAGE = 1000;

async function* pagesOf(store: SqliteScrubStore) {
  let after: Digest | undefined;
  while (true) {
    const page = await store.listBlobs(after, PAGE);
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.digest;
  }
}
