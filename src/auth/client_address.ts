/** The address of the client behind proxies, which only trusted ones may tell. */
import { BlockList, isIP, SocketAddress } from "node:net";

/** Peers whose word counts. */
export interface TrustedNetwork {
  /** IP literal, or {@linkcode UNIX_PEER}. */
  readonly address: string;
  /** Leading bits that count. */
  readonly prefixLength: number;
}

/** The address of everybody who comes by a unix socket. */
export const UNIX_PEER = "unix";

/** Entries that are read of one chain of proxies. */
const MOST_HOPS = 32;

export class ClientAddress {
  readonly #trusted = new BlockList();
  readonly #trustsUnix: boolean;

  constructor(trusted: readonly TrustedNetwork[]) {
    this.#trustsUnix = trusted.some(({ address }) => address === UNIX_PEER);
    for (const { address, prefixLength } of trusted) {
      if (address === UNIX_PEER) continue;
      this.#trusted.addSubnet(address, prefixLength, isIP(address) === 4 ? "ipv4" : "ipv6");
    }
  }

  /**
   * The peer itself, unless it is a trusted proxy: then the nearest address of `X-Forwarded-For` that is not one.
   * Whatever stands further away was written by somebody who is not trusted.
   */
  find(peerAddress: string, forwardedFor: readonly string[]): string {
    let found = normalize(peerAddress) ?? peerAddress;
    if (forwardedFor.length === 0) return found;
    const hops = forwardedFor.join(",").split(",").slice(-MOST_HOPS);
    while (this.#isTrusted(found)) {
      const next = normalize(withoutPort(hops.pop()?.trim() ?? ""));
      if (next === undefined) break;
      found = next;
    }
    return found;
  }

  #isTrusted(address: string): boolean {
    if (address === UNIX_PEER) return this.#trustsUnix;
    const version = isIP(address);
    return version !== 0 && this.#trusted.check(address, version === 4 ? "ipv4" : "ipv6");
  }
}

/** One text for each address, since policies compare texts: RFC 5952, IPv4 where it is one, no zone. */
function normalize(text: string): string | undefined {
  const version = isIP(text);
  if (version !== 6) return version === 4 ? text : undefined;
  const { address } = new SocketAddress({ address: text.replace(/%.*/, ""), family: "ipv6" });
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
}
