/** Holds the files of a data directory against its rows. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";

interface StoredFiles {
  readonly sessions: readonly string[];
  /** Those that may have a file. */
  readonly begun: readonly string[];
  readonly uploadFiles: readonly string[];
  /** Those that have a file. */
  readonly blobs: readonly { readonly file: BlobFile; readonly size: number }[];
  readonly blobFiles: readonly string[];
  /** Blobs of which the database says that it keeps them, and does not, or the other way round. */
  readonly lost: number;
  /** Holds of blobs that no manifest of their repository names. */
  readonly unneeded: number;
  /** Repositories that hold nothing. */
  readonly empty: number;
}

/** Every row has its file or its bytes, whole; every upload file has its row. Files of blobs that no row names may wait for their end. */
export function checkRowsHaveFiles(rootDir: string): void {
  const { begun, uploadFiles, blobs, blobFiles, lost } = readStored(rootDir);
  assert.deepEqual(uploadFiles, begun);
  assert.equal(lost, 0, "small blobs without bytes");
  const present = new Set(blobFiles);
  const layout = new Layout(rootDir);
  const missing = blobs.filter(({ file, size }) => {
    const actual = present.has(file) ? sizeOf(layout.blob(file)) : undefined;
    if (actual !== undefined) assert.equal(actual, size, file);
    return actual === undefined;
  });
  if (missing.length === 0) return;
  // A collection may have taken them meanwhile, each row before its file.
  const named = new Set(readStored(rootDir).blobs.map(({ file }) => file));
  assert.deepEqual(missing.filter(({ file }) => named.has(file)), [], "rows without their files");
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Waits until a running registry holds what its manifests need and nothing else: no stray, no upload, no garbage. */
export async function waitUntilNothingIsLeft(rootDir: string, timeoutMs = 90_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs;;) {
    const { sessions, uploadFiles, blobs, blobFiles, lost, unneeded, empty } = readStored(rootDir);
    const left = { sessions, uploadFiles, blobFiles, lost, unneeded, empty };
    const wanted = {
      sessions: [],
      uploadFiles: [],
      blobFiles: blobs.map(({ file }) => file),
      lost: 0,
      unneeded: 0,
      empty: 0,
    };
    if (JSON.stringify(left) === JSON.stringify(wanted)) return;
    if (Date.now() > deadline) assert.deepEqual(left, wanted);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function readStored(rootDir: string): StoredFiles {
  const layout = new Layout(rootDir);
  const database = openForReading(layout.database);
  const all = (sql: string) => database.prepare(sql).all();
  try {
    // The files first: what comes meanwhile has its row before its file is looked for.
    const uploadFiles = [...Deno.readDirSync(layout.uploads)].map(({ name }) => name).sort();
    const blobFiles = [...layout.blobFolders()].flatMap((folder) =>
      [...Deno.readDirSync(folder)].map(({ name }) => `${folder.slice(layout.blobs.length + 1)}/${name}`)
    ).sort();
    return {
      uploadFiles,
      blobFiles,
      sessions: all("SELECT id FROM upload_session ORDER BY id").map(({ id }) => id as string),
      begun: all("SELECT id FROM upload_session WHERE has_file = 1 ORDER BY id").map(({ id }) =>
        id as string
      ),
      blobs: all(
        "SELECT file, size FROM blob WHERE file NOT LIKE '%.database' ORDER BY file",
      ) as unknown as StoredFiles["blobs"],
      lost: Number(
        all(`SELECT count(*) AS n FROM blob b FULL JOIN small_blob s ON s.digest = b.digest
          WHERE (b.file LIKE '%.database' OR s.digest IS NOT NULL)
            AND (length(s.bytes) = b.size AND b.file LIKE '%.database') IS NOT TRUE`)[0]!.n,
      ),
      unneeded: Number(
        all(`SELECT count(*) AS n FROM hold h WHERE NOT EXISTS
          (SELECT 1 FROM manifest_reference f WHERE f.repository = h.repository AND f.digest = h.digest)`)[0]!
          .n,
      ),
      empty: Number(
        all(`SELECT count(*) AS n FROM repository r WHERE NOT EXISTS
          (SELECT 1 FROM manifest m WHERE m.repository = r.id)`)[0]!.n,
      ),
    };
  } finally {
    database.close();
  }
}
