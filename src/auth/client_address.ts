/** The address of the client behind proxies, which only trusted ones may tell. */
import { BlockList, isIP } from "node:net";

/** Peers whose word counts. */
export interface TrustedNetwork {
  /** IP literal. */
  readonly address: string;
  /** Leading bits that count. */
  readonly prefixLength: number;
}

/** Entries that are read of one chain of proxies. */
const MOST_HOPS = 32;

export class ClientAddress {
  readonly #trusted = new BlockList();

  constructor(trusted: readonly TrustedNetwork[]) {
    for (const { address, prefixLength } of trusted) {
      this.#trusted.addSubnet(address, prefixLength, isIP(address) === 4 ? "ipv4" : "ipv6");
    }
  }

  /**
   * The peer itself, unless it is a trusted proxy: then the nearest address of `X-Forwarded-For` that is not one.
   * Whatever stands further away was written by somebody who is not trusted.
   */
  find(peerAddress: string, forwardedFor: readonly string[]): string {
    let found = peerAddress;
    if (forwardedFor.length === 0) return found;
    const hops = forwardedFor.join(",").split(",").slice(-MOST_HOPS);
    while (this.#isTrusted(found)) {
      const next = hops.pop()?.trim();
      if (next === undefined || isIP(next) === 0) break;
      found = next.startsWith("::ffff:") ? next.slice("::ffff:".length) : next;
    }
    return found;
  }

  #isTrusted(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#trusted.check(address, version === 4 ? "ipv4" : "ipv6");
  }
}
