/** Until when what was heard of the tags of mirrors counts. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { TagFreshness } from "../ports/mirrors.ts";

/** Tags remembered; of a forgotten one the upstream is asked again. */
const MOST_TAGS = 50_000;

interface Heard {
  readonly digest: Digest;
  readonly stale: boolean;
  /** ms of the steady clock. */
  readonly until: number;
}

export class TagMemory {
  readonly #now: () => number;
  readonly #heard = new Map<string, Heard>();

  /** @param now ms of a clock that nobody sets */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What still counts; nothing where the tag names something else by now. */
  find(repository: RepositoryName, tag: Tag, current: Digest | undefined): TagFreshness | undefined {
    const heard = this.#heard.get(keyOf(repository, tag));
    const freshFor = heard === undefined ? 0 : heard.until - this.#now();
    if (heard === undefined || freshFor <= 0 || heard.digest !== current) return undefined;
    return { digest: heard.digest, stale: heard.stale, freshFor };
  }

  keep(repository: RepositoryName, tag: Tag, { digest, stale, freshFor }: TagFreshness): void {
    const key = keyOf(repository, tag);
    this.#heard.delete(key);
    if (freshFor <= 0) return;
    this.#heard.set(key, { digest, stale, until: this.#now() + freshFor });
    for (const oldest of this.#heard.keys()) {
      if (this.#heard.size <= MOST_TAGS) break;
      this.#heard.delete(oldest);
    }
  }
}

function keyOf(repository: RepositoryName, tag: Tag): string {
  return `${repository}:${tag}`;
}
