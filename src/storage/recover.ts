/** Puts upload files and session rows in agreement after a crash, while nobody else uses the directory. */
import type { DatabaseSync } from "node:sqlite";
import type { RepositoryName } from "../core/repository_name.ts";
import { parseUploadSessionId, type UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "../ports/blob_store.ts";
import { type Layout, sessionOf } from "./files/layout.ts";

/** What was found and mended. */
export interface Recovery {
  /** Upload files whose session no row knows: the request never got an answer. Removed. */
  readonly orphanedFiles: number;
  /** Sessions that were cut between the rename of their file and the transaction. They can be continued. */
  readonly returnedUploads: number;
  /** Sessions whose bytes did not outlive the crash. Their clients are told to start again. */
  readonly lostUploads: number;
}

/** Reads all session rows and the uploads folder; looks through the blob folders only when a session's file is missing. */
export function recoverUploads(layout: Layout, database: DatabaseSync): Recovery {
  const sessions = new Map<string, RepositoryName>();
  for (const row of database.prepare("SELECT id, repository FROM upload_session").all()) {
    sessions.set(row.id as UploadSessionId, row.repository as RepositoryName);
  }
  let orphanedFiles = 0;
  const withoutFile = new Set(sessions.keys());
  for (const { name, isFile } of Deno.readDirSync(layout.uploads)) {
    if (withoutFile.delete(name) || !isFile) continue;
    Deno.removeSync(`${layout.uploads}/${name}`);
    orphanedFiles++;
  }
  const returnedUploads = withoutFile.size === 0 ? 0 : returnPromoted(layout, database, withoutFile);
  const forget = database.prepare("DELETE FROM upload_session WHERE id = ?");
  for (const id of withoutFile) forget.run(id);
  return { orphanedFiles, returnedUploads, lostUploads: withoutFile.size };
}

/** Moves the files of the sessions back from where a finish had renamed them; takes those sessions out of the set. */
function returnPromoted(layout: Layout, database: DatabaseSync, sessions: Set<string>): number {
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
