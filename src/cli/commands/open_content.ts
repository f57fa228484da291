/** Opens all content for reading, as it is at one moment, in the process of the command: beside the server or without one. */
import type { Settings } from "../../config/settings.ts";
import type { BlobStore } from "../../ports/blob_store.ts";
import type { Log } from "../../ports/log.ts";
import type { MetadataStore } from "../../ports/metadata_store.ts";
import { BlobFiles } from "../../storage/files/blob_files.ts";
import { Layout } from "../../storage/files/layout.ts";
import { openForReading } from "../../storage/sqlite/open_database.ts";
import { SqliteMetadataStore } from "../../storage/sqlite/sqlite_metadata_store.ts";
import { SqliteSmallBlobs } from "../../storage/sqlite/sqlite_small_blobs.ts";
import { SqliteReader } from "../../storage/sqlite/sqlite_reader.ts";
import { keepFiles } from "./hold_files.ts";

export interface OpenContent extends AsyncDisposable {
  /** For reading only. */
  readonly metadata: MetadataStore;
  /** Gives no damaged blob. Every file that a row names stays, and small blobs do until `endOfReading()`. */
  readonly blobs: Pick<BlobStore, "open" | "isWhole">;
  /** Lets the log of the database be shortened again; nothing can be read of `metadata`, or of small blobs, then. */
  endOfReading(): void;
  /** Aborted when files may go. */
  readonly lost: AbortSignal;
}

/**
 * Whoever may speak to the server is its user or root, and can read its files: so the server has no work with what may
 * take hours, and whatever the command writes is written with the rights of whoever runs it.
 *
 * @throws {DirectoryInUse} {DatabaseTooNew}
 * @throws {Error} where there is no data, or the server cannot be reached
 */
export async function openContent(settings: Settings, log: Log): Promise<OpenContent> {
  const layout = new Layout(settings.blobStore.rootDir);
  await using stack = new AsyncDisposableStack();
  const hold = stack.use(await keepFiles(layout, log));
  const database = openForReading(layout.database);
  stack.defer(() => database.close());
  database.exec("BEGIN");
  let isReading = true;
  const reader = new SqliteReader(database, { cacheBytes: 0 });
  const readOnly = { run: () => Promise.reject(new Error("opened for reading")) };
  const kept = stack.move();
  return {
    metadata: new SqliteMetadataStore(reader, readOnly),
    blobs: new BlobFiles(layout, 0, new SqliteSmallBlobs(database, 0), true),
    endOfReading() {
      if (isReading) database.exec("COMMIT");
      isReading = false;
    },
    lost: hold.lost,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
