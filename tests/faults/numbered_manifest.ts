/** A manifest that no other is equal to. */
import type { Digest } from "../../src/core/digest.ts";
import { utf8 } from "../model/bytes.ts";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";

export interface ManifestParts {
  readonly config: Digest;
  readonly layers: readonly Digest[];
  readonly subject?: Digest;
}

/** @param sizeOf bytes of a blob */
export function makeNumberedManifest(
  { config, layers, subject }: ManifestParts,
  number: number,
  sizeOf: (blob: Digest) => number,
): Uint8Array {
  return utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: config, size: sizeOf(config) },
    layers: layers.map((digest) => ({ mediaType: OCI_LAYER, digest, size: sizeOf(digest) })),
    ...(subject && { subject: { mediaType: OCI_MANIFEST, digest: subject, size: 1 } }),
    annotations: { number: `${number}` },
  }));
}
