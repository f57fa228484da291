/** Makes small images with random layers, as OCI or Docker manifests, in memory and as an OCI layout on disk. */

import { createHash, randomFillSync } from "node:crypto";
import { gzipSync } from "node:zlib";
import { makeTar } from "./tar_archive.ts";

/** Content together with its descriptor's three fields. */
export interface Content {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface BuiltImage {
  readonly manifest: Content;
  readonly config: Content;
  readonly layers: readonly Content[];
}

export interface BuiltIndex {
  readonly index: Content;
  readonly images: readonly BuiltImage[];
}

export interface ImageOptions {
  /** Bytes of random data in each layer; [2000, 3000] when absent. */
  readonly layerSizes?: readonly number[];
  readonly architecture?: string;
  /** Docker schema 2 media types instead of OCI's. */
  readonly docker?: boolean;
  readonly subject?: Content;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const OCI = "application/vnd.oci.image";
const DOCKER = "application/vnd.docker";

/** Bytes that no other call returned. */
export function randomBytes(size: number): Uint8Array {
  return randomFillSync(new Uint8Array(size));
}

/** The digest of `bytes` in the spec's form, "sha256:<hex>". */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Gives bytes their digest and media type. */
export function makeContent(mediaType: string, bytes: Uint8Array): Content {
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** The same for a value that is written as JSON. */
export function makeJsonContent(mediaType: string, value: unknown): Content {
  return makeContent(mediaType, new TextEncoder().encode(JSON.stringify(value)));
}

/** The descriptor of the content. */
export function describeContent(content: Content) {
  return { mediaType: content.mediaType, digest: content.digest, size: content.bytes.length };
}

/** Builds a runnable-looking Linux image whose layers hold random files, so that no two images share a digest. */
export function buildImage(options: ImageOptions = {}): BuiltImage {
  const docker = options.docker ?? false;
  const archives = (options.layerSizes ?? [2000, 3000]).map((size, number) =>
    makeTar({ [`file-${number}.bin`]: randomBytes(size) })
  );
  const layers = archives.map((archive) =>
    makeContent(
      docker ? `${DOCKER}.image.rootfs.diff.tar.gzip` : `${OCI}.layer.v1.tar+gzip`,
      gzipSync(archive, { level: 1 }),
    )
  );
  const config = makeJsonContent(docker ? `${DOCKER}.container.image.v1+json` : `${OCI}.config.v1+json`, {
    architecture: options.architecture ?? "amd64",
    os: "linux",
    created: "2024-01-01T00:00:00Z",
    config: { Cmd: ["/bin/true"] },
    rootfs: { type: "layers", diff_ids: archives.map(digestOf) },
    history: archives.map(() => ({ created: "2024-01-01T00:00:00Z", created_by: "test" })),
  });
  const mediaType = docker ? `${DOCKER}.distribution.manifest.v2+json` : `${OCI}.manifest.v1+json`;
  const manifest = makeJsonContent(mediaType, {
    schemaVersion: 2,
    mediaType,
    ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
    config: describeContent(config),
    layers: layers.map(describeContent),
    ...(options.subject === undefined ? {} : { subject: describeContent(options.subject) }),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  });
  return { manifest, config, layers };
}

/** Builds an index (or Docker manifest list) over one image each for amd64 and arm64. */
export function buildIndex(options: ImageOptions = {}): BuiltIndex {
  const architectures = ["amd64", "arm64"];
  const images = architectures.map((architecture) => buildImage({ ...options, architecture }));
  const mediaType = options.docker ? `${DOCKER}.distribution.manifest.list.v2+json` : `${OCI}.index.v1+json`;
  const index = makeJsonContent(mediaType, {
    schemaVersion: 2,
    mediaType,
    manifests: images.map((image, position) => ({
      ...describeContent(image.manifest),
      platform: { os: "linux", architecture: architectures[position] },
    })),
  });
  return { index, images };
}

/** Writes an image or index as an OCI image layout into the new directory `directory`, under the given tag. */
export async function writeOciLayout(directory: string, built: BuiltImage | BuiltIndex, tag: string) {
  await Deno.mkdir(`${directory}/blobs/sha256`, { recursive: true });
  for (const content of listContents(built)) {
    await Deno.writeFile(`${directory}/blobs/sha256/${content.digest.slice(7)}`, content.bytes);
  }
  const top = "index" in built ? built.index : built.manifest;
  await Deno.writeTextFile(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  await Deno.writeTextFile(
    `${directory}/index.json`,
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{
        ...describeContent(top),
        annotations: { "org.opencontainers.image.ref.name": tag },
      }],
    }),
  );
}

/** Everything of an image or index in the order of a push: blobs, manifests, index. */
export function listContents(built: BuiltImage | BuiltIndex): Content[] {
  if ("index" in built) return [...built.images.flatMap(listContents), built.index];
  return [...built.layers, built.config, built.manifest];
}
