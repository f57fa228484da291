/** Manifests and descriptors made on the fly, and what parseManifest() makes of them. */
import { type Manifest, parseManifest } from "../../src/core/manifest.ts";
import { type MediaType, OCI_INDEX, OCI_MANIFEST } from "../../src/core/media_type.ts";
import { expectOciError } from "./expect_oci_error.ts";

export type Fields = Record<string, unknown>;

export const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
export const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";
export const FOREIGN_TYPE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
export const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";

export const digestOf = (n: number) => `sha256:${n.toString(16).padStart(64, "0")}`;
export const descriptor = (n: number, fields: Fields = {}): Fields => ({
  mediaType: LAYER_TYPE,
  digest: digestOf(n),
  size: 100 + n,
  ...fields,
});
export const image = (fields: Fields = {}): Fields => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: descriptor(0, { mediaType: CONFIG_TYPE }),
  layers: [descriptor(1), descriptor(2)],
  ...fields,
});
export const index = (fields: Fields = {}): Fields => ({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [
    descriptor(3, { mediaType: OCI_MANIFEST, platform: { os: "linux", architecture: "amd64" } }),
    descriptor(4, { mediaType: OCI_INDEX }),
  ],
  ...fields,
});

export function parse(value: unknown, type: string = OCI_MANIFEST): Manifest {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return parseManifest(new TextEncoder().encode(text), type as MediaType);
}

export function refuse(value: unknown, type: string = OCI_MANIFEST): string {
  return expectOciError("MANIFEST_INVALID", () => parse(value, type));
}

export const reference = (kind: string, n: number) => ({ kind, digest: digestOf(n), size: 100 + n });
