/** What an import works with, and which faults keep one piece of it back instead of ending it. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { ContentSource } from "../ports/content_source.ts";
import type { Registry } from "../registry/registry.ts";

export interface ImportWork {
  readonly registry: Registry;
  readonly source: ContentSource;
  /** Says what would come and changes nothing. */
  readonly dryRun: boolean;
  /** Ends the import in order: what came stays, and the next import goes on. */
  readonly signal: AbortSignal;
  /** Blobs whose bytes the source has shown. */
  readonly shown: Set<Digest>;
  /** Told of bytes of blobs that came or need not come. */
  readonly passed: (bytes: number) => void;
}

/**
 * Why a piece cannot come, where that is its own matter: what the source has is damaged, or the rules of the repository
 * forbid it. undefined for a fault that would meet every other piece too, such as a full disk.
 */
export function reasonOf(fault: unknown): string | undefined {
  if (fault instanceof SourceFault) return fault.message;
  if (fault instanceof OciError && fault.status < 500) return fault.message;
  return undefined;
}
