/** Remembers since when something has been seen, by a clock that nobody sets. */

/** Keys that are remembered; what is beyond them is seen again later. */
const MOST_REMEMBERED = 100_000;

export class FirstSeen {
  readonly #elapsed: () => number;
  #former = new Map<string, number>();
  #now = new Map<string, number>();

  /** @param elapsed ms since some moment, of a clock that nobody sets */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
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
}
