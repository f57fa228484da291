/** The bytes of small blobs, which the database keeps: a file for each would take longer to make than to fill. */
import type { Digest } from "../core/digest.ts";

export interface SmallBlobs {
  /** Blobs up to this many bytes come into the database; those that are there stay, whatever it is. */
  readonly limit: number;
  /** undefined where the database does not keep it (any more). */
  sizeOf(digest: Digest): number | undefined;
  /** undefined where the database does not keep it (any more). */
  read(digest: Digest): Uint8Array<ArrayBuffer> | undefined;
}
