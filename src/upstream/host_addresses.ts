/** Looks names up, and remembers for a moment what came of it. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { UpstreamFault } from "../core/upstream_fault.ts";

/** ms that an answer is good for; the runtime does not tell how long the name server means it to be. */
const REMEMBERED_MS = 30_000;

/** Names remembered. */
const MOST_NAMES = 1000;

export type Resolve = (host: string) => Promise<readonly string[]>;

export class HostAddresses {
  readonly #resolve: Resolve;
  readonly #remembered = new Map<string, { readonly addresses: readonly string[]; readonly until: number }>();

  constructor(resolve: Resolve = resolveBySystem) {
    this.#resolve = resolve;
  }

  /**
   * Addresses of a host name, or of an IP literal, which may stand in brackets.
   *
   * @throws {UpstreamFault}
   */
  async find(host: string): Promise<readonly string[]> {
    const literal = host.replace(/^\[|\]$/g, "");
    if (isIP(literal) !== 0) return [literal];
    const now = performance.now();
    const remembered = this.#remembered.get(host);
    if (remembered !== undefined && remembered.until > now) return remembered.addresses;
    const addresses = await this.#resolve(host).catch((cause) => {
      throw new UpstreamFault("unreachable", `the name "${host}" could not be looked up: ${cause.message}`, {
        cause,
      });
    });
    if (addresses.length === 0) throw new UpstreamFault("unreachable", `the name "${host}" has no address`);
    this.#remembered.delete(host);
    this.#remembered.set(host, { addresses, until: now + REMEMBERED_MS });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MOST_NAMES) break;
      this.#remembered.delete(oldest);
    }
    return addresses;
  }

  /** Forgets a name whose addresses did not answer: it may have moved. */
  forget(host: string): void {
    this.#remembered.delete(host);
  }
}

async function resolveBySystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
