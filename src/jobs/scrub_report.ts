/** What a scrub found, and how people read it. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";

export const FINDING_KINDS = ["missing", "damaged", "truncated", "stray", "dangling", "database"] as const;

/**
 * missing: the file of a blob, or the bytes of a manifest, are not there. damaged: they are others than the digest says.
 * truncated: the file is shorter or longer than the blob. stray: a file that nothing names. dangling: a row that names what
 * is not there. database: SQLite finds fault with its own file.
 */
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Plain data: it is kept in a file while the scrub runs, and crosses threads and the control socket. */
export interface Finding {
  readonly kind: FindingKind;
  /** Such as "blob sha256:..." or "file uploads/x". */
  readonly subject: string;
  /** Of the blob or manifest. */
  readonly digest?: Digest;
  /** Path below the data directory. */
  readonly path?: string;
  /** Repositories that are affected, 20 at most. */
  readonly repositories: readonly RepositoryName[];
  /** Manifests that need the blob, 20 at most. */
  readonly manifests: readonly Digest[];
  /** What is wrong with the subject, such as "has 10 bytes, expected 12". */
  readonly fault: string;
  /** A sentence that says what to do. */
  readonly advice: string;
  /** What a repair has done, a sentence; absent where none was made. */
  readonly repair?: string;
}

export type FindingCounts = Readonly<Record<FindingKind, number>>;

export interface ScrubReport {
  /** ms since the epoch; of a scrub that went on after a stop, the time of its first start. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** False when it was stopped before the end; the next one goes on from there. */
  readonly complete: boolean;
  /** Looked at so far. */
  readonly blobs: number;
  /** Bytes of blobs that were read. */
  readonly bytes: number;
  readonly manifests: number;
  readonly counts: FindingCounts;
  /** The first 10,000. */
  readonly findings: readonly Finding[];
}

export function noFindings(): Record<FindingKind, number> {
  return Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>;
}

/** How many findings there are in all. */
export function countOf(counts: FindingCounts): number {
  return FINDING_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
}

/** Such as "2 damaged, 1 stray"; "nothing wrong" where there is nothing. */
export function describeCounts(counts: FindingCounts): string {
  const parts = FINDING_KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  return parts.length === 0 ? "nothing wrong" : parts.join(", ");
}

/** Lines for people: the fault, who is affected, what was done and what to do. */
export function describeFinding(finding: Finding): string {
  const { kind, subject, fault, repositories, manifests, repair, advice } = finding;
  return [
    `${kind}: ${subject} ${fault}`,
    ...(repositories.length > 0 ? [`  in ${repositories.join(", ")}`] : []),
    ...(manifests.length > 0 ? [`  needed by ${manifests.join(", ")}`] : []),
    ...(repair === undefined ? [] : [`  ${repair}`]),
    `  ${advice}`,
  ].map((line) => `${line}\n`).join("");
}
