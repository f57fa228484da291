/** Reads the files of `client_crl_bundle`, and says everything that is wrong with them. */
import { formatTime } from "./certificate_verdict.ts";
import { DerError } from "./der_reader.ts";
import { formatName } from "./distinguished_name.ts";
import { readPemBlocks } from "./pem_blocks.ts";
import { isListOf } from "./revocation.ts";
import { readRevocationList, type RevocationList } from "./revocation_list.ts";
import type { Certificate } from "./x509_certificate.ts";

export interface Findings {
  readonly problems: string[];
  readonly warnings: string[];
}

/**
 * The lists of all files, PEM or DER each. A list of a CA of the bundle must be signed by it. One of another CA is kept
 * for intermediates that clients send, and its signature is checked when one comes.
 */
export async function loadRevocationLists(
  files: readonly Uint8Array[],
  authorities: readonly Certificate[],
  expired: "deny" | "warn",
  now: number,
  findings: Findings,
): Promise<RevocationList[]> {
  const lists: RevocationList[] = [];
  for (const [index, file] of files.entries()) {
    const which = files.length === 1 ? "client_crl_bundle" : `client_crl_bundle: file ${index + 1}`;
    for (const { der, where } of revocationListsIn(file, which, findings.problems)) {
      try {
        const list = await readRevocationList(der);
        lists.push(list);
        checkSigner(list, where, authorities, findings);
        checkTimes(list, where, expired, now, findings);
      } catch (fault) {
        if (!(fault instanceof DerError)) throw fault;
        findings.problems.push(`${where}: the revocation list cannot be used: ${fault.message}`);
      }
    }
  }
  return lists;
}

/** The lists of a file, DER, with where they stand. */
export function revocationListsIn(
  file: Uint8Array,
  which: string,
  problems: string[],
): { der: Uint8Array; where: string }[] {
  // A SEQUENCE starts with "0", which no PEM text does.
  if (file[0] === 0x30) return [{ der: file, where: which }];
  const pem = readPemBlocks(new TextDecoder().decode(file));
  problems.push(...pem.problems.map((problem) => `${which}: ${problem}`));
  if (pem.blocks.length === 0 && pem.problems.length === 0) {
    problems.push(`${which}: holds neither a PEM block X509 CRL nor a revocation list in DER`);
  }
  return pem.blocks.flatMap(({ label, der, line }) => {
    const where = `${which}: line ${line}`;
    if (label === "X509 CRL") return [{ der, where }];
    problems.push(`${where}: the PEM block is a ${label}, expected only blocks X509 CRL`);
    return [];
  });
}

function checkSigner(
  list: RevocationList,
  where: string,
  authorities: readonly Certificate[],
  { problems, warnings }: Findings,
): void {
  const shown = `the revocation list of "${formatName(list.issuer)}"`;
  if (list.signatureAlgorithm.kind === "unusable") {
    problems.push(`${where}: ${shown} ${list.signatureAlgorithm.fault}`);
    return;
  }
  const namesakes = authorities.filter((authority) => authority.subject.key === list.issuer.key);
  if (namesakes.length === 0) {
    warnings.push(
      `${where}: ${shown} is not of a CA of client_ca_bundle; it is used when a client sends an intermediate of that ` +
        "name whose key signed it",
    );
  } else if (!namesakes.some((authority) => isListOf(list, authority))) {
    problems.push(
      `${where}: ${shown} is not signed by the CA of that name in client_ca_bundle, or that CA may not sign lists ` +
        "(keyUsage lacks cRLSign)",
    );
  }
}

function checkTimes(
  list: RevocationList,
  where: string,
  expired: "deny" | "warn",
  now: number,
  { problems, warnings }: Findings,
): void {
  const note = expired === "deny" ? problems : warnings;
  const shown = `${where}: the revocation list of "${formatName(list.issuer)}"`;
  if (now > list.nextUpdate) {
    note.push(`${shown} expired on ${formatTime(list.nextUpdate)} (crl_expired = "${expired}")`);
  }
  if (now < list.thisUpdate) {
    note.push(`${shown} is made on ${formatTime(list.thisUpdate)}, which is not yet`);
  }
}
