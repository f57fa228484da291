/** Reads manifests, whatever a client made of them, without holding up those who wait for something else. */
import type { Digest } from "../core/digest.ts";
import type { IndexEntry } from "../core/index_entries.ts";
import type { Manifest } from "../core/manifest.ts";
import type { MediaType } from "../core/media_type.ts";

/** A manifest as a client sent it. */
export interface SentManifest {
  /** Taken over: not to be used by the caller again. */
  readonly bytes: Uint8Array;
  readonly contentType: MediaType;
  /** The digest that the request names, which has to be that of the bytes. */
  readonly stated: Digest | undefined;
}

export interface ReadManifest {
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** Those that were sent. */
  readonly bytes: Uint8Array;
}

export interface ManifestReader {
  /** @throws {OciError} DIGEST_INVALID, MANIFEST_INVALID */
  read(sent: SentManifest): Promise<ReadManifest>;
  /** The entries of a stored index in byte order of their digests. The bytes stay the caller's. */
  readEntries(digest: Digest, index: Uint8Array): Promise<readonly IndexEntry[]>;
}
