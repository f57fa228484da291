/** The blobs and manifests of the random tests: few, and each leads to others, so that all get into each other's way. */
import type { Digest } from "../../src/core/digest.ts";
import { type MediaType, OCI_INDEX, OCI_MANIFEST } from "../../src/core/media_type.ts";
import { digestOf, utf8 } from "../model/bytes.ts";

export interface Blob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface Manifest {
  readonly name: string;
  readonly digest: Digest;
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
  readonly blobs: readonly Digest[];
  readonly children: readonly Digest[];
  readonly subject: Digest | undefined;
}

export const BLOBS: readonly Blob[] = Array.from({ length: 5 }, (_, i) => {
  const bytes = utf8(`blob ${i} `.repeat(i + 1));
  return { digest: digestOf(bytes), bytes };
});

function describe({ digest, bytes }: { digest: Digest; bytes: Uint8Array }, mediaType: string) {
  return { mediaType, digest, size: bytes.length };
}

function make(name: string, mediaType: MediaType, parts: {
  readonly blobs?: readonly Blob[];
  readonly children?: readonly Manifest[];
  readonly subject?: Manifest;
}): Manifest {
  const { blobs = [], children = [], subject } = parts;
  const [config, ...layers] = blobs.map((blob) => describe(blob, "application/octet-stream"));
  const bytes = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType,
    ...(mediaType === OCI_INDEX
      ? { manifests: children.map((child) => describe(child, child.mediaType)) }
      : { config, layers }),
    ...(subject && { subject: describe(subject, subject.mediaType) }),
    annotations: { name },
  }));
  return {
    name,
    digest: digestOf(bytes),
    mediaType,
    bytes,
    blobs: blobs.map(({ digest }) => digest),
    children: children.map(({ digest }) => digest),
    subject: subject?.digest,
  };
}

const image = (name: string, blobs: readonly number[], subject?: Manifest): Manifest =>
  make(name, OCI_MANIFEST, { blobs: blobs.map((i) => BLOBS[i]!), ...(subject && { subject }) });
const index = (name: string, children: readonly Manifest[], subject?: Manifest): Manifest =>
  make(name, OCI_INDEX, { children, ...(subject && { subject }) });

const IMAGES = [image("one", [0, 1]), image("two", [1, 2]), image("three", [3])];
const INDEX = index("index", [IMAGES[0]!, IMAGES[1]!]);
const OUTER = index("index of an index", [INDEX, IMAGES[2]!]);
const SIGNATURE = image("signature", [4], IMAGES[0]);
const OF_SIGNATURE = image("signature of a signature", [4], SIGNATURE);
const OF_INDEX = image("signature of an index", [2, 4], INDEX);
const REFERRING_INDEX = index("index about an image", [OF_INDEX], IMAGES[2]);

export const MANIFESTS: readonly Manifest[] = [
  ...IMAGES,
  INDEX,
  OUTER,
  SIGNATURE,
  OF_SIGNATURE,
  OF_INDEX,
  REFERRING_INDEX,
];

export const sizeOfBlob = new Map(BLOBS.map(({ digest, bytes }) => [digest, bytes.length]));
export const manifestOf = new Map(MANIFESTS.map((manifest) => [manifest.digest, manifest]));
