/** Which manifests of an index somebody needs who wants a few platforms only. */
import { describeEntry, readIndexEntries } from "./index_entries.ts";
import type { Digest } from "./digest.ts";
import { listPlatforms, type Platform } from "./index_platforms.ts";

/** How builders name the platform of an attestation, and the annotation that tells of which manifest it is one. */
const UNKNOWN = "unknown";
const ATTESTED = "vnd.docker.reference.digest";

/** `linux/amd64` or `linux/arm/v7`; undefined for anything else. */
export function parsePlatform(text: string): Platform | undefined {
  const match = /^([a-z0-9]{1,32})\/([a-z0-9_]{1,32})(?:\/([a-z0-9.]{1,32}))?$/.exec(text);
  if (match === null) return undefined;
  const [, os, architecture, variant] = match;
  return { os: os!, architecture: architecture!, ...(variant !== undefined && { variant }) };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

/** Without a variant every variant is meant. */
export function coversPlatform(wanted: Platform, platform: Platform): boolean {
  return wanted.os === platform.os && wanted.architecture === platform.architecture &&
    (wanted.variant === undefined || wanted.variant === platform.variant);
}

export interface PlatformChoice {
  /** Manifests of the index that are for other platforms. */
  readonly others: ReadonlySet<Digest>;
  /** Platforms that are wanted and that the index lacks. */
  readonly missing: readonly Platform[];
}

/**
 * Looks at an index that parseManifest() took. What says no platform is for everybody; an attestation goes with the manifest
 * that it is of.
 *
 * @param wanted none stands for all
 */
export function choosePlatforms(index: Uint8Array, wanted: readonly Platform[]): PlatformChoice {
  if (wanted.length === 0) return { others: new Set(), missing: [] };
  const entries = listPlatforms(index);
  const chosen = new Set(
    entries.filter(({ platform }) => wanted.some((one) => coversPlatform(one, platform)))
      .map(({ digest }) => digest),
  );
  const attestations = entries.filter(({ platform }) => platform.os === UNKNOWN);
  for (const digest of attestationsOf(index, attestations.map(({ digest }) => digest), chosen)) {
    chosen.add(digest);
  }
  return {
    others: new Set(entries.map(({ digest }) => digest).filter((digest) => !chosen.has(digest))),
    // An index without platforms says nothing of which it lacks.
    missing: entries.length === 0
      ? []
      : wanted.filter((one) => !entries.some(({ platform }) => coversPlatform(one, platform))),
  };
}

function attestationsOf(
  index: Uint8Array,
  attestations: readonly Digest[],
  chosen: ReadonlySet<Digest>,
): Digest[] {
  if (attestations.length === 0) return [];
  const candidates = new Set(attestations);
  return readIndexEntries(index).filter((entry) => {
    if (!candidates.has(entry.digest)) return false;
    const subject = describeEntry(index, entry).annotations?.[ATTESTED];
    return subject !== undefined && (chosen as ReadonlySet<string>).has(subject);
  }).map(({ digest }) => digest);
}
