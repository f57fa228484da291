/** Manifests: what a registry must know of the four kinds it takes, and why it refuses the rest. */
import { readAnnotations } from "./annotations.ts";
import { type Descriptor, memberFault, present, readArtifactType, readDescriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import {
  findMembers,
  forEachElement,
  kindAt,
  memberNames,
  rootOf,
  showAt,
  stringAt,
  wholeNumberAt,
} from "./json_view.ts";
import { manifestFault } from "./manifest_fault.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isIndexType,
  isNonDistributable,
  type MediaType,
  OCI_INDEX,
  OCI_MANIFEST,
} from "./media_type.ts";
import type { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";
import { checkStrictJson } from "./strict_json.ts";

/**
 * `config` and `layer` must be there when the manifest is pushed. A `child` of an index may be missing, and so may a
 * `foreign` layer, whose bytes lie elsewhere; what a repository has of them is kept all the same.
 */
export type ReferenceKind = "config" | "layer" | "child" | "foreign";

/** Content that a manifest points at. */
export interface ManifestReference {
  readonly kind: ReferenceKind;
  readonly digest: Digest;
  /** Bytes, as the manifest says. */
  readonly size: number;
}

export interface Manifest {
  readonly mediaType: MediaType;
  /** The manifest that this one is about (a signature's image, say). */
  readonly subject?: Descriptor;
  /** For the referrers list: the manifest's artifact type, else the media type of its config. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Each pair of kind and digest once. */
  readonly references: readonly ManifestReference[];
}

/** The types of manifest that can be pushed. */
export const MANIFEST_TYPES: readonly MediaType[] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

const MEMBERS = memberNames(
  "schemaVersion",
  "mediaType",
  "artifactType",
  "config",
  "layers",
  "manifests",
  "subject",
  "annotations",
  "fsLayers",
);

/**
 * Reads a manifest that was pushed as `contentType` (distribution-spec "Pushing Manifests"; image-spec, manifest.md
 * and image-index.md). Takes time in proportion to the bytes, whatever they are: less than 50 ms for 4 MiB.
 *
 * @throws {OciError} MANIFEST_INVALID
 */
export function parseManifest(bytes: Uint8Array, contentType: MediaType): Manifest {
  checkType(contentType);
  checkStrictJson(bytes);
  const root = rootOf(bytes);
  if (kindAt(bytes, root) !== "object") {
    throw manifestFault(`it is ${showAt(bytes, root)}, expected an object`);
  }
  const members = findMembers(bytes, root, MEMBERS);
  if (members.fsLayers !== undefined) throw schema1Fault("it has fsLayers");
  checkVersion(bytes, members.schemaVersion);
  checkOwnType(bytes, members.mediaType, contentType);

  const references = new References();
  let artifactType = readArtifactType(bytes, members.artifactType, () => "artifactType");
  if (isIndexType(contentType)) {
    // Whoever goes by the type sees an index, whoever goes by the members an image: CVE-2021-41190.
    refuseMember(members.config, "config", contentType);
    refuseMember(members.layers, "layers", contentType);
    readDescriptors(bytes, members.manifests, "manifests", (child, where) => {
      references.add("child", child, where);
    });
  } else {
    refuseMember(members.manifests, "manifests", contentType);
    const config = readDescriptor(bytes, members.config, () => "config");
    references.add("config", config, () => "config");
    readDescriptors(bytes, members.layers, "layers", (layer, where) => {
      references.add(isNonDistributable(layer.mediaType) ? "foreign" : "layer", layer, where);
    });
    artifactType ??= config.mediaType;
  }
  const subjectAt = present(bytes, members.subject);
  const subject = subjectAt === undefined ? undefined : readDescriptor(bytes, subjectAt, () => "subject");
  if (subject !== undefined) references.add(undefined, subject, () => "subject");
  const annotationsAt = present(bytes, members.annotations);

  return {
    mediaType: contentType,
    ...(subject !== undefined && { subject }),
    ...(artifactType !== undefined && { artifactType }),
    ...(annotationsAt !== undefined && { annotations: readAnnotations(bytes, annotationsAt, "annotations") }),
    references: references.list,
  };
}

/** What is known of a digest: its size, and as what the manifest points at it. */
type SeenDigest = { readonly size: number } & { [kind in ReferenceKind]: boolean };

/** References in order of appearance, each pair of kind and digest once, and one size for each digest. */
class References {
  readonly list: ManifestReference[] = [];
  readonly #seen = new Map<Digest, SeenDigest>();

  /** Without a kind the size is compared and nothing added. */
  add(kind: ReferenceKind | undefined, { digest, size }: Descriptor, where: () => string): void {
    let seen = this.#seen.get(digest);
    if (seen === undefined) {
      seen = { size, config: false, layer: false, child: false, foreign: false };
      this.#seen.set(digest, seen);
    }
    if (seen.size !== size) {
      throw manifestFault(
        `${where()}.size is ${size}, but the same digest stands elsewhere with size ${seen.size}`,
      );
    }
    if (kind === undefined || seen[kind]) return;
    seen[kind] = true;
    this.list.push({ kind, digest, size });
  }
}

function readDescriptors(
  bytes: Uint8Array,
  at: number | undefined,
  where: string,
  visit: (descriptor: Descriptor, where: () => string) => void,
): void {
  // Programs written in Go say null for an empty list.
  if (at !== undefined && kindAt(bytes, at) === "null") return;
  if (at === undefined || kindAt(bytes, at) !== "array") {
    throw memberFault(bytes, at, where, "an array of descriptors");
  }
  forEachElement(bytes, at, (element, index) => {
    const place = () => `${where}[${index}]`;
    visit(readDescriptor(bytes, element, place), place);
  });
}

function checkType(contentType: MediaType): void {
  if (MANIFEST_TYPES.includes(contentType)) return;
  if (contentType === DOCKER_SCHEMA1 || contentType === DOCKER_SCHEMA1_SIGNED) {
    throw schema1Fault(`its media type is ${quote(contentType)}`);
  }
  throw manifestFault(
    `its media type is ${quote(contentType)}, accepted are ${MANIFEST_TYPES.slice(0, -1).join(", ")} and ${
      MANIFEST_TYPES.at(-1)
    }`,
  );
}

function checkVersion(bytes: Uint8Array, at: number | undefined): void {
  const version = at === undefined ? undefined : wholeNumberAt(bytes, at);
  if (version === 1) throw schema1Fault("schemaVersion is 1");
  if (version !== 2) throw memberFault(bytes, at, "schemaVersion", "2");
}

/** The manifest's own `mediaType` may be missing; if it is there, it is the type of the push. */
function checkOwnType(bytes: Uint8Array, at: number | undefined, contentType: MediaType): void {
  const found = present(bytes, at);
  if (found === undefined || stringAt(bytes, found) === contentType) return;
  throw manifestFault(
    `mediaType is ${showAt(bytes, found)}, but it was pushed with Content-Type ${quote(contentType)}`,
  );
}

function refuseMember(at: number | undefined, name: string, contentType: MediaType): void {
  if (at !== undefined) {
    throw manifestFault(`${name} does not belong into a manifest of type ${quote(contentType)}`);
  }
}

function schema1Fault(sign: string): OciError {
  return manifestFault(
    `${sign}, and Docker schema 1 is not supported: push again with a newer client (Docker 1.10 or later)`,
  );
}
