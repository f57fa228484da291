/** Referrers (signatures, SBOMs) whose subject is gone, and what refers to them in turn. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { OrphanedReferrer } from "../ports/garbage.ts";
import type { Collect } from "./collect_job.ts";
import type { Tally } from "./collect_report.ts";
import { walkGarbage } from "./garbage_walk.ts";

/** Manifests removed in one transaction, and their bytes: what they reference goes with them, row by row. */
const AT_ONCE = 20;
const BYTES_AT_ONCE = 256 * 1024;

/** Subjects forgotten in one transaction. */
const FORGOTTEN_AT_ONCE = 1000;

/** Indexes that are asked for, of those that hold a manifest. */
const MOST_PARENTS = 1000;

/** Manifests that went, or in a dry run would go. */
export type Doomed = ReadonlyMap<RepositoryName, ReadonlySet<Digest>>;

export async function collectOrphans(job: Collect, tally: Tally): Promise<Doomed> {
  const sweep = new OrphanSweep(job, tally);
  const { garbage, limits } = job;
  for await (const page of walkGarbage((after) => garbage.listOrphans(limits, after), AT_ONCE, job.signal)) {
    await sweep.take(page);
    job.progress("referrers", tally.counts.referrer);
  }
  await sweep.takeChildren();
  if (!job.dryRun) await forgetSubjects(job);
  return sweep.doomed;
}

/** That a subject went long ago is what it is like never to have been there. */
async function forgetSubjects({ garbage, limits, signal }: Collect): Promise<void> {
  while (!signal.aborted && await garbage.forgetGoneSubjects(limits.usedBefore, FORGOTTEN_AT_ONCE) > 0);
}

class OrphanSweep {
  readonly doomed = new Map<RepositoryName, Set<Digest>>();
  readonly #job: Collect;
  readonly #tally: Tally;
  /** Orphans that an index held. */
  #children: OrphanedReferrer[] = [];

  constructor(job: Collect, tally: Tally) {
    this.#job = job;
    this.#tally = tally;
  }

  /** Takes orphans, then what they leave behind as orphans. */
  async take(orphans: readonly OrphanedReferrer[]): Promise<void> {
    const { garbage, limits } = this.#job;
    const waiting = [...orphans];
    while (waiting.length > 0) {
      const some = waiting.splice(0, sizeOfBatch(waiting));
      const gone = await this.#remove(some);
      for (const { repository, digest } of gone) {
        waiting.push(...await garbage.listOrphansOf(repository, digest, limits));
      }
      this.#children.push(...some.filter((orphan) => orphan.isChild && !gone.includes(orphan)));
    }
  }

  /** What an index held can go once the index has gone. */
  async takeChildren(): Promise<void> {
    for (let before = Infinity; this.#children.length > 0 && this.#children.length < before;) {
      before = this.#children.length;
      const children = this.#children;
      this.#children = [];
      await this.take(children);
    }
  }

  async #remove(orphans: readonly OrphanedReferrer[]): Promise<OrphanedReferrer[]> {
    const { dryRun, garbage, limits, now } = this.#job;
    const removed = dryRun
      ? await this.#thatWouldGo(orphans)
      : new Set((await garbage.removeOrphans(orphans, limits)).map(keyOf));
    return orphans.filter((orphan) => {
      const { repository, digest, subject, size, usedAt } = orphan;
      if (!removed.has(keyOf(orphan)) || this.#isDoomed(repository, digest)) return false;
      const inRepository = this.doomed.get(repository);
      if (inRepository === undefined) this.doomed.set(repository, new Set([digest]));
      else inRepository.add(digest);
      this.#tally.add({ kind: "referrer", repository, digest, subject, bytes: size, age_ms: now - usedAt });
      return true;
    });
  }

  async #thatWouldGo(orphans: readonly OrphanedReferrer[]): Promise<Set<string>> {
    const going = new Set<string>();
    for (const orphan of orphans) {
      const { repository, digest } = orphan;
      const parents = orphan.isChild
        ? await this.#job.inventory.listParents(repository, digest, MOST_PARENTS)
        : [];
      const free = parents.length < MOST_PARENTS &&
        parents.every((parent) => this.#isDoomed(repository, parent));
      if (free) going.add(keyOf(orphan));
    }
    return going;
  }

  #isDoomed(repository: RepositoryName, digest: Digest): boolean {
    return this.doomed.get(repository)?.has(digest) ?? false;
  }
}

function keyOf({ repository, digest }: OrphanedReferrer): string {
  return `${repository}@${digest}`;
}

function sizeOfBatch(orphans: readonly OrphanedReferrer[]): number {
  let bytes = 0;
  const large = orphans.findIndex(({ size }, i) => i > 0 && (bytes += size) > BYTES_AT_ONCE);
  return Math.min(AT_ONCE, large < 0 ? orphans.length : large);
}
