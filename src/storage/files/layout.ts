/** Which file lies where under the root directory, and making the folders so that they outlive a power cut. */
import { dirname } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { algorithmOf, hexOf, makeDigest } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile } from "../../ports/blob_store.ts";

const ALGORITHMS = ["sha256", "sha512"] as const;

/** Paths of everything under one root directory. */
export class Layout {
  constructor(readonly rootDir: string) {}

  get database(): string {
    return `${this.rootDir}/registry.db`;
  }

  get lock(): string {
    return `${this.rootDir}/lock`;
  }

  get ballast(): string {
    return `${this.rootDir}/ballast`;
  }

  /** A file whose only use is that writing it shows that the disk works. */
  get probe(): string {
    return `${this.rootDir}/probe`;
  }

  get controlSocket(): string {
    return `${this.rootDir}/control.sock`;
  }

  /** What a scrub has put aside. Made when there is something. */
  get quarantine(): string {
    return `${this.rootDir}/quarantine`;
  }

  /** When content was last copied from other registries. */
  get syncState(): string {
    return `${this.rootDir}/sync.json`;
  }

  /** How far a scrub is, and what the last one found. */
  get scrubState(): string {
    return `${this.rootDir}/scrub.json`;
  }

  /** Lies in a backup until it is whole. */
  get incompleteBackup(): string {
    return `${this.rootDir}/backup.incomplete`;
  }

  /** What a whole backup says of itself. */
  get backupReport(): string {
    return `${this.rootDir}/backup.json`;
  }

  get uploads(): string {
    return `${this.rootDir}/uploads`;
  }

  get blobs(): string {
    return `${this.rootDir}/blobs`;
  }

  upload(id: UploadSessionId): string {
    return `${this.uploads}/${id}`;
  }

  blob(file: BlobFile): string {
    return `${this.blobs}/${file}`;
  }

  /** Every folder that holds blob files: one for each algorithm and first byte of the digest. */
  *blobFolders(): Generator<string> {
    for (const algorithm of ALGORITHMS) {
      for (let i = 0; i < 256; i++) yield `${this.blobs}/${algorithm}/${i.toString(16).padStart(2, "0")}`;
    }
  }
}

/**
 * Name of the file for a blob that an upload session brings. It holds the session, so no path is ever used twice:
 * whoever removes the file of an older row cannot take the bytes of a newer one.
 */
export function blobFileOf(digest: Digest, session: UploadSessionId): BlobFile {
  const hex = hexOf(digest);
  return `${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}.${session}` as BlobFile;
}

/** No upload session has this name, so no file ever has the names that are made with it. */
const WITHDRAWN = "withdrawn";

/** What a row names whose file was put into quarantine: a file that never is, until a push of the digest brings one. */
export function withdrawnFileOf(digest: Digest): BlobFile {
  return blobFileOf(digest, WITHDRAWN as UploadSessionId);
}

export function isWithdrawnFile(file: BlobFile): boolean {
  return sessionOf(file) === WITHDRAWN;
}

/** What a row names whose bytes are in the database. No file has such a name. */
const IN_DATABASE = ".database";

/** Name for the place of a small blob in the database. It holds the session, as that of a file does. */
export function databaseFileOf(digest: Digest, session: UploadSessionId): BlobFile {
  return `${blobFileOf(digest, session)}${IN_DATABASE}` as BlobFile;
}

/** True where the database keeps the bytes, and there is no file. */
export function isDatabaseFile(file: BlobFile): boolean {
  return file.endsWith(IN_DATABASE);
}

/** The digest that a blob file's name says its bytes have. */
export function digestInName(file: BlobFile): Digest {
  const name = file.slice(file.lastIndexOf("/") + 1);
  return makeDigest(file.startsWith("sha512/") ? "sha512" : "sha256", name.slice(0, name.indexOf(".")));
}

/** Folder of a blob file, as a path below `blobs/`. */
export function folderOf(file: BlobFile): string {
  return file.slice(0, file.lastIndexOf("/"));
}

/** Session that brought a blob file. */
export function sessionOf(fileName: string): string {
  return fileName.slice(fileName.lastIndexOf(".") + 1);
}

/**
 * Makes the folders that are missing, private to the owner, and syncs their parents; those that were there as well,
 * since whoever made them may have been cut before it synced.
 */
export function makeFolders(layout: Layout): void {
  makeRoot(layout.rootDir);
  makeFolder(layout.uploads);
  makeFolder(layout.blobs);
  for (const algorithm of ALGORITHMS) makeFolder(`${layout.blobs}/${algorithm}`);
  for (const folder of layout.blobFolders()) makeFolder(folder);
  for (const algorithm of ALGORITHMS) syncFolderNow(`${layout.blobs}/${algorithm}`);
  syncFolderNow(layout.blobs);
  syncFolderNow(layout.rootDir);
}

/** Makes the names in a folder durable: creations, renames and removals. */
export async function syncFolder(path: string): Promise<void> {
  // In place: whoever has just changed the folder has the system know it, and to ask elsewhere takes longer.
  using folder = Deno.openSync(path, { read: true });
  await folder.sync();
}

/** The same, for the start, when nothing else waits. */
export function syncFolderNow(path: string): void {
  using folder = Deno.openSync(path, { read: true });
  folder.syncSync();
}

function makeRoot(path: string): void {
  try {
    if (!makeFolder(path)) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    makeRoot(dirname(path));
    makeFolder(path);
  }
  try {
    syncFolderNow(dirname(path));
  } catch (error) {
    // A parent that we may write to but not read cannot be opened for a sync.
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}

/** True when the folder was not there. */
function makeFolder(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
