/** Remembers since when something has been seen, by a clock that nobody sets. */

/** Keys that are remembered; what is beyond them is seen again later. */
const MOST_REMEMBERED = 100_000;

/** A key, and when it was seen first. */
export type Sighting = readonly [key: string, since: number];

export class FirstSeen {
  readonly #elapsed: () => number;
  #former = new Map<string, number>();
  #now: Map<string, number>;

  /**
   * @param elapsed ms since some moment, of a clock that nobody sets
   * @param former of the last look of a process before this one
   */
  constructor(elapsed: () => number, former: readonly Sighting[] = []) {
    this.#elapsed = elapsed;
    this.#now = new Map(former);
  }

  /** Begins a new look: what was not seen in the one before is forgotten. */
  beginLook(): void {
    this.#former = this.#now;
    this.#now = new Map();
  }

  /** Sees something; gives for how many ms it has been seen in every look. */
  see(key: string): number {
    const elapsed = this.#elapsed();
    const since = this.#now.get(key) ?? this.#former.get(key) ?? elapsed;
    if (this.#now.size < MOST_REMEMBERED) this.#now.set(key, since);
    return elapsed - since;
  }

  /** Some of what has been seen, in this look or, since it may be under way, in the one before. */
  list(most: number): Sighting[] {
    return [...new Map([...this.#former, ...this.#now])].slice(0, most);
  }
}
