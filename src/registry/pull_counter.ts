/** Pulls, gathered in memory and written down together: a pull must not cost a write. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { Log } from "../ports/log.ts";
import type { MetadataStore, Pull } from "../ports/metadata_store.ts";

/** ms from the first pull that waits to its being written. */
const FLUSH_AFTER_MS = 5000;

/** Pulls that may wait; further ones of other clients or manifests are forgotten until these are written. */
const MOST_WAITING = 10_000;

/** Pulls written in one transaction, which holds up the writes of others. */
const AT_ONCE = 500;

/** Longest name of a client that is kept, in characters. */
const LONGEST_CLIENT = 256;

export class PullCounter {
  readonly #metadata: MetadataStore;
  readonly #log: Log;
  readonly #flushAfterMs: number;
  #waiting = new Map<string, Pull>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushing = Promise.resolve();

  constructor(metadata: MetadataStore, log: Log, flushAfterMs = FLUSH_AFTER_MS) {
    this.#metadata = metadata;
    this.#log = log;
    this.#flushAfterMs = flushAfterMs;
  }

  /** Counts a pull. A client that asks for the same several times within a few seconds has pulled it once. */
  note(repository: RepositoryName, digest: Digest, tag: Tag | undefined, client: string, at: number): void {
    const key = `${repository}:${tag ?? ""}@${digest} ${client}`;
    if (this.#waiting.size >= MOST_WAITING && !this.#waiting.has(key)) return;
    this.#waiting.set(key, { repository, digest, tag, client: client.slice(0, LONGEST_CLIENT), at });
    this.#timer ??= setTimeout(() => void this.flush(), this.#flushAfterMs);
  }

  /** Writes down what waits. What cannot be written is forgotten, and that is logged. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pulls = [...this.#waiting.values()];
    this.#waiting = new Map();
    return this.#flushing = this.#flushing.then(() => this.#write(pulls));
  }

  async #write(pulls: readonly Pull[]): Promise<void> {
    try {
      for (let at = 0; at < pulls.length; at += AT_ONCE) {
        await this.#metadata.recordPulls(pulls.slice(at, at + AT_ONCE));
      }
    } catch (error) {
      this.#log.warn("pulls could not be written down", { pulls: pulls.length, error });
    }
  }
}
