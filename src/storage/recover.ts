/** Puts upload files, blob files and rows in agreement after a crash, while nobody else uses the directory. */
import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { parseUploadSessionId, type UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "../ports/blob_store.ts";
import type { MetadataStore } from "../ports/metadata_store.ts";
import { folderOf, type Layout, sessionOf, syncFolderNow } from "./files/layout.ts";

/** Files of sessions that are made at once: a session needs none, and a disk can take a millisecond for each. */
const MOST_MADE = 1000;

/** ms by which the clock may have been set back while sessions were open without a file of theirs being overlooked. */
const CLOCK_SLACK = 60 * 60 * 1000;

/** Sessions with the time of their start. */
type Sessions = Map<UploadSessionId, number>;

/** What was found and mended. */
export interface Recovery {
  /** Upload files whose session no row knows: the request never got an answer. Removed. */
  readonly orphanedFiles: number;
  /** Files that a row names as a blob's and that lay among the uploads. Put in their place. */
  readonly returnedBlobs: number;
  /** Sessions that were cut between the rename of their file and the transaction. They can be continued. */
  readonly returnedUploads: number;
  /** Sessions of which nothing had come, or nothing has outlived the crash. Their clients are told that they are at byte 0. */
  readonly emptyUploads: number;
}

/**
 * Reads all session rows and the uploads folder. Only when a row has no file it looks through blob folders, and of them only
 * through those in which something was made or removed since the session began: a million names take two seconds.
 */
export function recoverUploads(layout: Layout, database: DatabaseSync): Recovery {
  const rows = database.prepare("SELECT id, started_at FROM upload_session").all();
  const withoutFile: Sessions = new Map(
    rows.map(({ id, started_at }) => [id as UploadSessionId, started_at as number]),
  );
  const orphans = new Set<UploadSessionId>();
  for (const { name, isFile } of Deno.readDirSync(layout.uploads)) {
    const id = name as UploadSessionId;
    if (!withoutFile.delete(id) && isFile) orphans.add(id);
  }
  const returnedBlobs = orphans.size === 0 ? 0 : returnBlobs(layout, database, orphans);
  for (const id of orphans) Deno.removeSync(layout.upload(id));
  const returnedUploads = withoutFile.size === 0 ? 0 : returnUploads(layout, database, withoutFile);
  for (const id of [...withoutFile.keys()].slice(0, MOST_MADE)) makeUploadFile(layout, id);
  return {
    orphanedFiles: orphans.size,
    returnedBlobs,
    returnedUploads,
    emptyUploads: withoutFile.size,
  };
}

/**
 * Moves files to where blob rows name them; takes them out of the set. A commit whose fsync failed is reported as failed,
 * and its upload goes on, but a crash soon after can bring the commit back from the log.
 */
function returnBlobs(layout: Layout, database: DatabaseSync, orphans: Set<UploadSessionId>): number {
  const rows = database.prepare(
    "SELECT file, size FROM blob WHERE substr(file, -36) IN (SELECT value FROM json_each(?))",
  ).all(JSON.stringify([...orphans])) as { file: BlobFile; size: number }[];
  let returned = 0;
  for (const { file, size } of rows) {
    const id = sessionOf(file) as UploadSessionId;
    if (Deno.statSync(layout.upload(id)).size !== size) continue;
    Deno.renameSync(layout.upload(id), layout.blob(file));
    syncFolderNow(`${layout.blobs}/${folderOf(file)}`);
    orphans.delete(id);
    returned++;
  }
  return returned;
}

/** Moves the files of the sessions back from where a finish had renamed them; takes those sessions out of the set. */
function returnUploads(layout: Layout, database: DatabaseSync, sessions: Sessions): number {
  const since = [...sessions.values()].reduce((a, b) => Math.min(a, b)) - CLOCK_SLACK;
  const isCurrent = database.prepare("SELECT 1 FROM blob WHERE digest = ? AND file = ?");
  let returned = 0;
  for (const folder of layout.blobFolders()) {
    if (Deno.statSync(folder).mtime!.getTime() < since) continue;
    for (const { name } of Deno.readDirSync(folder)) {
      const id = parseUploadSessionId(sessionOf(name));
      if (id === undefined || !sessions.has(id)) continue;
      const file = `${folder.slice(layout.blobs.length + 1)}/${name}` as BlobFile;
      const digest = `${file.slice(0, file.indexOf("/"))}:${name.slice(0, name.indexOf("."))}`;
      if (isCurrent.get(digest, file) !== undefined) continue;
      Deno.renameSync(layout.blob(file), layout.upload(id));
      sessions.delete(id);
      returned++;
    }
  }
  return returned;
}

/**
 * Makes the files of sessions that have none yet, of the first thousand, when a server ends in order: the next start then has
 * nothing to look for.
 */
export async function makeUploadFiles(
  layout: Layout,
  metadata: Pick<MetadataStore, "listUploads">,
): Promise<void> {
  const sessions = await metadata.listUploads(Infinity, { limit: MOST_MADE });
  for (const { id } of sessions) if (!existsSync(layout.upload(id))) makeUploadFile(layout, id);
}

function makeUploadFile(layout: Layout, id: UploadSessionId): void {
  Deno.openSync(layout.upload(id), { write: true, createNew: true, mode: 0o600 }).close();
}
