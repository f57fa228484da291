/** Puts upload files, blob files and rows in agreement after a crash, while nobody else uses the directory. */
import type { DatabaseSync } from "node:sqlite";
import { parseUploadSessionId, type UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "../ports/blob_store.ts";
import { folderOf, type Layout, sessionOf, syncFolderNow } from "./files/layout.ts";

/** What was found and mended. */
export interface Recovery {
  /** Upload files whose session no row knows: the request never got an answer. Removed. */
  readonly orphanedFiles: number;
  /** Files that a row names as a blob's and that lay among the uploads. Put in their place. */
  readonly returnedBlobs: number;
  /** Sessions that were cut between the rename of their file and the transaction. They can be continued. */
  readonly returnedUploads: number;
  /** Sessions whose bytes did not outlive the crash. Their clients are told to start again. */
  readonly lostUploads: number;
}

/** Reads all session rows and the uploads folder; looks at all blobs only when a row or a file has no counterpart. */
export function recoverUploads(layout: Layout, database: DatabaseSync): Recovery {
  const [withoutFile, needNone] = [new Set<UploadSessionId>(), new Set<UploadSessionId>()];
  for (const { id, has_file } of database.prepare("SELECT id, has_file FROM upload_session").all()) {
    (has_file === 1 ? withoutFile : needNone).add(id as UploadSessionId);
  }
  const [orphans, begun] = [new Set<UploadSessionId>(), new Set<UploadSessionId>()];
  for (const { name, isFile } of Deno.readDirSync(layout.uploads)) {
    // What has another name is somebody else's: it stays, and a scrub tells of it.
    const id = parseUploadSessionId(name);
    if (id === undefined) continue;
    if (needNone.has(id)) begun.add(id);
    else if (!withoutFile.delete(id) && isFile) orphans.add(id);
  }
  noteFiles(database, begun);
  const returnedBlobs = orphans.size === 0 ? 0 : returnBlobs(layout, database, orphans);
  for (const id of orphans) Deno.removeSync(layout.upload(id));
  const returnedUploads = withoutFile.size === 0 ? 0 : returnUploads(layout, database, withoutFile);
  forgetSessions(database, withoutFile);
  return {
    orphanedFiles: orphans.size,
    returnedBlobs,
    returnedUploads,
    lostUploads: withoutFile.size,
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
function returnUploads(layout: Layout, database: DatabaseSync, sessions: Set<UploadSessionId>): number {
  const isCurrent = database.prepare("SELECT 1 FROM blob WHERE digest = ? AND file = ?");
  let returned = 0;
  for (const folder of layout.blobFolders()) {
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

/** Sessions that a power cut took the note from, or that were cut before it. */
function noteFiles(database: DatabaseSync, sessions: ReadonlySet<UploadSessionId>): void {
  if (sessions.size === 0) return;
  database.prepare("UPDATE upload_session SET has_file = 1 WHERE id IN (SELECT value FROM json_each(?))")
    .run(JSON.stringify([...sessions]));
}

/** One transaction for all, since a power cut can leave many. */
function forgetSessions(database: DatabaseSync, sessions: ReadonlySet<UploadSessionId>): void {
  if (sessions.size === 0) return;
  database.prepare("DELETE FROM upload_session WHERE id IN (SELECT value FROM json_each(?))")
    .run(JSON.stringify([...sessions]));
}
