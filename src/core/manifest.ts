/** Manifests: what a registry must know of the four kinds it takes, and why it refuses the rest. */
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { MediaType } from "./media_type.ts";

export type ReferenceKind = "config" | "layer" | "child";

/** Content that a manifest points at and whose presence matters: non-distributable layers are not among them. */
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
