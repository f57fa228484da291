/** The SmallBlobs on SQLite. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Digest } from "../../core/digest.ts";
import type { SmallBlobs } from "../small_blobs.ts";

/** Each of them asks one index for one row. */
export const SMALL_BLOB_QUERIES = {
  smallBlobSize: "SELECT length(bytes) AS size FROM small_blob WHERE digest = ?1",
  smallBlob: "SELECT bytes FROM small_blob WHERE digest = ?1",
} as const;

export class SqliteSmallBlobs implements SmallBlobs {
  readonly #size: StatementSync;
  readonly #bytes: StatementSync;

  /** @param database for reading */
  constructor(database: DatabaseSync, readonly limit: number) {
    this.#size = database.prepare(SMALL_BLOB_QUERIES.smallBlobSize);
    this.#bytes = database.prepare(SMALL_BLOB_QUERIES.smallBlob);
  }

  sizeOf(digest: Digest): number | undefined {
    return this.#size.get(digest)?.size as number | undefined;
  }

  read(digest: Digest): Uint8Array<ArrayBuffer> | undefined {
    return this.#bytes.get(digest)?.bytes as Uint8Array<ArrayBuffer> | undefined;
  }
}
