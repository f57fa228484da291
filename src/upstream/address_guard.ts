/** Which addresses may be asked: an upstream must not lead this registry to services behind its firewall. */
import { BlockList, isIP } from "node:net";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { AddressRange } from "./upstream_target.ts";

type Subnet = readonly [address: string, prefixLength: number];

/** Never, unless listed: this machine, its link, groups, and the services that tell a cloud machine its secrets. */
const LOCAL = blockListOf([
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  // Alibaba Cloud's metadata service.
  ["100.100.100.200", 32],
  ["::", 128],
  ["::1", 128],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
  // Those of Amazon and Google.
  ["fd00:ec2::", 32],
  ["fd20:ce::", 32],
]);

/** Networks of an organization: for the configured host, not for those that it names. */
const PRIVATE = blockListOf([
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["198.18.0.0", 15],
  ["fc00::", 7],
]);

export class AddressGuard {
  readonly #allowed: BlockList;

  constructor(allowed: readonly AddressRange[]) {
    this.#allowed = blockListOf(allowed.map(({ address, prefixLength }) => [address, prefixLength]));
  }

  /**
   * @param address IP literal, as it was resolved
   * @param configured whether the host is the one that the configuration names, and not one that the upstream leads to
   */
  mayAsk(address: string, configured: boolean): boolean {
    if (check(this.#allowed, address)) return true;
    const meant = embeddedAddress(address);
    if (meant !== undefined) return this.mayAsk(meant, configured);
    return !check(LOCAL, address) && (configured || !check(PRIVATE, address));
  }

  /**
   * Those of the addresses that may be asked.
   *
   * @throws {UpstreamFault} when none is left
   */
  require(host: string, addresses: readonly string[], configured: boolean): readonly string[] {
    const allowed = addresses.filter((address) => this.mayAsk(address, configured));
    if (allowed.length > 0) return allowed;
    throw new UpstreamFault(
      "unsafe",
      `"${host}" is at ${
        addresses.join(", ")
      }, which is not a public address: list it in allowed_addresses if it is meant`,
    );
  }
}

function blockListOf(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [address, length] of subnets) {
    list.addSubnet(address, length, isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}

function check(list: BlockList, address: string): boolean {
  const bare = address.replace(/%.*/, "");
  return list.check(bare, isIP(bare) === 4 ? "ipv4" : "ipv6");
}

/** The IPv4 address that an IPv6 one stands for: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056). */
function embeddedAddress(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  const [a, b] = groups;
  const low = groups.slice(-2) as [number, number];
  const zeroes = (end: number) => groups.slice(0, end).every((group) => group === 0);
  if (zeroes(5) && groups[5] === 0xffff) return dotted(low);
  if (zeroes(6) && (low[0] !== 0 || low[1] > 1)) return dotted(low);
  if (a === 0x64 && b === 0xff9b) return dotted(low);
  if (a === 0x2002) return dotted([groups[1]!, groups[2]!]);
  return undefined;
}

function dotted([high, low]: readonly [number, number]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** The eight groups of an IPv6 literal. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/%.*/, "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => {
    const [p, q, r, s] = bytes.map(Number) as [number, number, number, number];
    return `${(p * 256 + q).toString(16)}:${(r * 256 + s).toString(16)}`;
  });
  const [head = "", tail] = hex.split("::");
  const parse = (text: string) => text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const [before, after] = [parse(head), parse(tail ?? "")];
  return tail === undefined
    ? before
    : [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}
