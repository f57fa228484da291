/** Finds the ways from a leaf to the trusted CAs by the names that certificates give, in bounded work. */
import { formatName } from "./distinguished_name.ts";
import type { CertificatePath } from "./path_check.ts";
import { type Certificate, isSelfIssued } from "./x509_certificate.ts";

export interface PathSearch {
  /** Shortest first. */
  readonly paths: readonly CertificatePath[];
  /** The longest way up from the leaf that ended at no trusted CA; only of interest where there is no path. */
  readonly deadEnd: readonly Certificate[];
  /** Whether the search was given up before all ways were tried. */
  readonly givenUp: boolean;
}

/** More than this nobody needs; a client that sends certificates which all name each other could ask for millions. */
const MOST_PATHS = 32;
const MOST_STEPS = 512;

/**
 * @param sent what the client sent beside the leaf
 * @param trusted CAs of the configuration by their encoded name
 */
export function searchPaths(
  leaf: Certificate,
  sent: readonly Certificate[],
  trusted: ReadonlyMap<string, readonly Certificate[]>,
  onStep: ((step: string) => void) | undefined,
): PathSearch {
  const paths: CertificatePath[] = [];
  let deadEnd: readonly Certificate[] = [leaf];
  const queue: (readonly Certificate[])[] = [[leaf]];
  let step = 0;
  for (; step < Math.min(queue.length, MOST_STEPS) && paths.length < MOST_PATHS; step++) {
    const way = queue[step] ?? [];
    const tip = way.at(-1) ?? leaf;
    const authorities = trusted.get(tip.issuer.key) ?? [];
    const intermediates = sent.filter((certificate) =>
      certificate.subject.key === tip.issuer.key && !way.includes(certificate)
    );
    onStep?.(
      `issuer of "${formatName(tip.subject)}" is "${formatName(tip.issuer)}": ` +
        `${authorities.length} in client_ca_bundle, ${intermediates.length} sent by the client`,
    );
    for (const authority of authorities) if (paths.length < MOST_PATHS) paths.push([...way, authority]);
    if (way.length >= deadEnd.length) deadEnd = way;
    for (const intermediate of intermediates) queue.push([...way, intermediate]);
  }
  return { paths, deadEnd, givenUp: step < queue.length };
}

/** Who is missing above a dead end, in words. */
export function describeDeadEnd(deadEnd: readonly Certificate[]): string {
  const tip = deadEnd.at(-1);
  if (tip === undefined) return "no certificate";
  const issuer = `"${formatName(tip.issuer)}"`;
  if (deadEnd.length === 1) {
    return isSelfIssued(tip)
      ? `unknown issuer: it is self-signed, and ${issuer} is not in client_ca_bundle`
      : `unknown issuer: ${issuer} is neither in client_ca_bundle nor was it sent by the client`;
  }
  return isSelfIssued(tip)
    ? `unknown issuer: its root CA ${issuer} is not in client_ca_bundle`
    : `unknown issuer: ${issuer}, which issued its CA "${
      formatName(tip.subject)
    }", is neither in client_ca_bundle ` +
      "nor was it sent by the client";
}
