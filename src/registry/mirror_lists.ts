/** The lists of mirrors: tags and referrers as upstreams tell them, remembered for a moment. */
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { PageRequest } from "../ports/metadata_store.ts";
import type { UpstreamList } from "../ports/mirrors.ts";
import { Flights } from "./flights.ts";
import { askInOrder, type MirrorSource, type RemoteRepository } from "./mirror_source.ts";
import type { MirrorWork } from "./mirror_work.ts";
import { upstreamRefusal } from "./upstream_refusal.ts";

/** Entries of one list at most. */
const MOST_TAGS = 100_000;
const MOST_REFERRERS = 1000;

/** ms for which a list counts at most: its pages are to be of one list. */
const REMEMBERED_FOR = 60_000;

/** Characters of all lists that are remembered, as JSON. */
const MOST_REMEMBERED = 32 * 1024 * 1024;

interface Remembered<T> {
  readonly list: readonly T[] | undefined;
  readonly until: number;
  /** Characters. An empty list takes room too. */
  readonly cost: number;
}

export class MirrorLists {
  readonly #tags: ListMemory<Tag>;
  readonly #referrers: ListMemory<Descriptor>;

  constructor(work: MirrorWork) {
    this.#tags = new ListMemory(work);
    this.#referrers = new ListMemory(work);
  }

  /** As {@linkcode Mirrors} says. */
  async listTags(
    repository: RepositoryName,
    { after = "" as Tag, limit }: PageRequest<Tag>,
  ): Promise<UpstreamList<Tag> | undefined> {
    const found = await this.#tags.find(
      repository,
      repository,
      async ({ upstream, name }) => (await upstream.listTags(name, MOST_TAGS))?.toSorted(byBytes),
    );
    return found &&
      { ...found, entries: found.entries.slice(firstAfter(found.entries, after)).slice(0, limit) };
  }

  /** As {@linkcode Mirrors} says. */
  async listReferrers(repository: RepositoryName, subject: Digest): Promise<UpstreamList<Descriptor>> {
    const found = await this.#referrers.find(
      repository,
      `${repository}@${subject}`,
      ({ upstream, name }) => upstream.listReferrers(name, subject, MOST_REFERRERS),
    );
    return found ?? { entries: [], stale: false };
  }
}

class ListMemory<T> {
  readonly #work: MirrorWork;
  readonly #flights = new Flights<UpstreamList<T> | undefined>();
  readonly #remembered = new Map<string, Remembered<T>>();
  #cost = 0;

  constructor(work: MirrorWork) {
    this.#work = work;
  }

  find(
    repository: RepositoryName,
    key: string,
    ask: (remote: RemoteRepository) => Promise<readonly T[] | undefined>,
  ): Promise<UpstreamList<T> | undefined> {
    return this.#flights.join(key, async () => {
      const source = this.#work.openSource(repository);
      if (source === undefined) return { entries: [], stale: false };
      const known = this.#remembered.get(key);
      if (known !== undefined && known.until > performance.now()) return listOf(known.list);
      return await this.#ask(source, repository, key, ask);
    });
  }

  async #ask(
    source: MirrorSource,
    repository: RepositoryName,
    key: string,
    ask: (remote: RemoteRepository) => Promise<readonly T[] | undefined>,
  ): Promise<UpstreamList<T> | undefined> {
    try {
      const list = await source.questions.run(() => askInOrder(source, ask));
      this.#remember(key, list, Math.min(source.rules.revalidateAfter, REMEMBERED_FOR));
      return listOf(list);
    } catch (fault) {
      if (!(fault instanceof UpstreamFault) || source.rules.onUpstreamError === "fail") {
        throw upstreamRefusal(fault, repository);
      }
      this.#work.registry.log.warn("a list of a mirror has only what is here", {
        repository,
        reason: fault.message,
      });
      return { entries: [], stale: true };
    }
  }

  #remember(key: string, list: readonly T[] | undefined, ms: number): void {
    this.#forget(key);
    if (ms <= 0) return;
    const cost = key.length + JSON.stringify(list ?? []).length;
    this.#remembered.set(key, { list, until: performance.now() + ms, cost });
    this.#cost += cost;
    for (const oldest of this.#remembered.keys()) {
      if (this.#cost <= MOST_REMEMBERED) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const known = this.#remembered.get(key);
    if (known === undefined) return;
    this.#remembered.delete(key);
    this.#cost -= known.cost;
  }
}

function listOf<T>(entries: readonly T[] | undefined): UpstreamList<T> | undefined {
  return entries && { entries, stale: false };
}

/** Tags are ASCII, so that the order of their code units is that of their bytes. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function firstAfter(sorted: readonly string[], position: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
