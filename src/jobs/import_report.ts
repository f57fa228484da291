/** What an import tells at its end: what came, what was here already, and what could not come and why. */
import type { Refusal } from "../ports/content_source.ts";

/** Refusals that a report names; the others are counted. */
export const MOST_REFUSALS = 1000;

export interface ImportReport {
  /** Nothing was changed, and bytes of blobs were not read: `came` is what would come. */
  readonly dry_run: boolean;
  /** False where the import was stopped before its end; the next one goes on. */
  readonly complete: boolean;
  readonly repositories: number;
  readonly manifests: { came: number; there: number };
  readonly tags: { came: number; there: number };
  /** `shared` were in the registry, and the repository holds them now too. */
  readonly blobs: { came: number; there: number; shared: number };
  /** Bytes of the blobs that came. */
  readonly bytes: number;
  /** Manifests that an index names and that the source does not have, as where only some platforms were taken there. */
  readonly absent_children: number;
  /** How much could not come. */
  readonly refused: number;
  readonly refusals: readonly Refusal[];
  readonly ms: number;
}

/** A report in the making. */
export class ImportTally {
  repositories = 0;
  bytes = 0;
  absentChildren = 0;
  refused = 0;
  readonly manifests = { came: 0, there: 0 };
  readonly tags = { came: 0, there: 0 };
  readonly blobs = { came: 0, there: 0, shared: 0 };
  readonly #refusals: Refusal[] = [];

  refuse(refusal: Refusal): void {
    this.refused++;
    if (this.#refusals.length < MOST_REFUSALS) this.#refusals.push(refusal);
  }

  end(facts: Pick<ImportReport, "dry_run" | "complete" | "ms">): ImportReport {
    const { repositories, manifests, tags, blobs, bytes, absentChildren, refused } = this;
    return {
      ...facts,
      repositories,
      manifests,
      tags,
      blobs,
      bytes,
      absent_children: absentChildren,
      refused,
      refusals: this.#refusals,
    };
  }
}
