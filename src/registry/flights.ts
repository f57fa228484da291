/** Work that many ask for at a time and that is done once. */

export class Flights<T> {
  readonly #underWay = new Map<string, Promise<T>>();

  /** Gives what the work under this key gives that is under way, or begins it. */
  join(key: string, work: () => Promise<T>): Promise<T> {
    const joined = this.#underWay.get(key);
    if (joined !== undefined) return joined;
    const begun = work().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, begun);
    return begun;
  }
}
