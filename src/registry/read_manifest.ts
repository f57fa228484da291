/** Reads manifests here and now; what a thread for large ones does, and all that small ones need. */
import { algorithmOf, type Digest } from "../core/digest.ts";
import { type IndexEntry, readIndexEntries } from "../core/index_entries.ts";
import { parseManifest } from "../core/manifest.ts";
import { OciError } from "../core/oci_error.ts";
import type { Hasher } from "../ports/hasher.ts";
import type { ManifestReader, ReadManifest, SentManifest } from "../ports/manifest_reader.ts";

/** @throws {OciError} DIGEST_INVALID when the bytes are not those that the request names, MANIFEST_INVALID */
export function readManifest(
  hasher: Pick<Hasher, "digestOf">,
  { bytes, contentType, stated }: SentManifest,
): ReadManifest {
  const digest = hasher.digestOf(bytes, stated === undefined ? "sha256" : algorithmOf(stated));
  if (stated !== undefined && stated !== digest) {
    throw new OciError("DIGEST_INVALID", {
      message: `Cannot push manifest: its digest is ${digest}, the request names ${stated}`,
    });
  }
  return { digest, manifest: parseManifest(bytes, contentType), bytes };
}

/** The ManifestReader of a thread in which nobody waits. */
export class LocalManifestReader implements ManifestReader {
  readonly #hasher: Pick<Hasher, "digestOf">;

  constructor(hasher: Pick<Hasher, "digestOf">) {
    this.#hasher = hasher;
  }

  async read(sent: SentManifest): Promise<ReadManifest> {
    return readManifest(this.#hasher, sent);
  }

  async readEntries(_digest: Digest, index: Uint8Array): Promise<readonly IndexEntry[]> {
    return readIndexEntries(index);
  }
}
