/** IP networks as people write them: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
import { isIP } from "node:net";

export interface Network {
  /** IP literal. */
  readonly address: string;
  /** Leading bits that count: 32 or 128 for a single address. */
  readonly prefixLength: number;
}

/** The network, undefined when the text is none. Bits behind the prefix may be set, they do not count. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = "", length] = /^([0-9A-Fa-f.:]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefixLength = length === undefined ? most : Number(length);
  return prefixLength <= most ? { address, prefixLength } : undefined;
}
