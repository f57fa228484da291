/** Descriptors: how one piece of content points at another (image-spec, descriptor.md). */
import type { Digest } from "./digest.ts";
import type { MediaType } from "./media_type.ts";

export interface Descriptor {
  readonly mediaType: MediaType;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
