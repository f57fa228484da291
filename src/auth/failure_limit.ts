/** Bounds how many wrong passwords one address may try. */

/** Wrong passwords that an address has in a window. */
const MOST_FAILURES = 10;
const WINDOW_MS = 60_000;

/** Addresses remembered; beyond it the one that failed longest ago is forgotten. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  readonly since: number;
}

export class FailureLimit {
  readonly #byAddress = new Map<string, Failures>();

  /** Seconds to wait before the address may try again; 0 when it may now. `now` in ms of any steady clock. */
  waitOf(address: string, now: number): number {
    const failures = this.#byAddress.get(networkOf(address));
    if (failures === undefined || failures.count < MOST_FAILURES) return 0;
    return Math.max(0, Math.ceil((failures.since + WINDOW_MS - now) / 1000));
  }

  /** Counts a wrong password. */
  count(address: string, now: number): void {
    const network = networkOf(address);
    const failures = this.#byAddress.get(network);
    if (failures !== undefined && now - failures.since < WINDOW_MS) {
      failures.count++;
      return;
    }
    this.#byAddress.delete(network);
    this.#byAddress.set(network, { count: 1, since: now });
    for (const oldest of this.#byAddress.keys()) {
      if (this.#byAddress.size <= MOST_ADDRESSES) break;
      this.#byAddress.delete(oldest);
    }
  }
}

/** One IPv4 address, or the /64 that one IPv6 client has to itself. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + after.length < 8) groups.push("0");
  return [...groups, ...after].slice(0, 4).join(":");
}
