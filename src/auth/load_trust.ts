/** Reads the CAs and revocation lists of the configuration, and says everything that is wrong with them. */
import { authorityFault } from "./certificate_rules.ts";
import { formatTime } from "./certificate_verdict.ts";
import { ClientTrust } from "./client_trust.ts";
import { DerError } from "./der_reader.ts";
import { formatName } from "./distinguished_name.ts";
import { loadRevocationLists } from "./load_revocation_lists.ts";
import { readPemBlocks } from "./pem_blocks.ts";
import { isSignedWith } from "./public_key.ts";
import { Revocation } from "./revocation.ts";
import { SecondJudge } from "./second_judge.ts";
import { type Certificate, isSelfIssued, readCertificate } from "./x509_certificate.ts";

/** `client_ca_bundle`, `client_crl_bundle`, `crl_missing` and `crl_expired` of `[server.tls]`, files read. */
export interface TrustSettings {
  /** PEM text of the CAs that may issue client certificates. Each of them is trusted, a root or not. */
  readonly caBundle: string;
  /** Contents of files, PEM or DER each; undefined where revocation is not to be checked. */
  readonly crlBundle?: readonly Uint8Array[];
  readonly crlMissing: "deny" | "allow";
  readonly crlExpired: "deny" | "warn";
}

/** Everything that is wrong with the files, one sentence each that starts with the key of the configuration. */
export class TrustError extends Error {
  override readonly name = "TrustError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/**
 * Nothing is skipped in silence: what cannot be used is a problem, what can be used but will surprise is a warning.
 *
 * @throws {TrustError}
 */
export async function loadTrust(
  settings: TrustSettings,
  now: Date,
): Promise<{ trust: ClientTrust; warnings: string[] }> {
  const time = now.getTime();
  const problems: string[] = [];
  const warnings: string[] = [];
  const authorities = readAuthorities(settings.caBundle, problems);
  const expired = authorities.filter((authority) => time > authority.notAfter);
  const note = authorities.length > 0 && expired.length === authorities.length ? problems : warnings;
  for (const { subject, notAfter } of expired) {
    note.push(`client_ca_bundle: the CA "${formatName(subject)}" expired on ${formatTime(notAfter)}`);
  }
  for (const { subject, notBefore } of authorities.filter((authority) => time < authority.notBefore)) {
    warnings.push(
      `client_ca_bundle: the CA "${formatName(subject)}" is not valid before ${formatTime(notBefore)}`,
    );
  }

  let revocation: Revocation | undefined;
  if (settings.crlBundle !== undefined) {
    const lists = await loadRevocationLists(settings.crlBundle, authorities, settings.crlExpired, time, {
      problems,
      warnings,
    });
    revocation = new Revocation(lists, settings);
    for (const authority of authorities) {
      warnings.push(...revocationWarnings(authority, revocation, settings.crlMissing));
    }
  }
  if (problems.length > 0) throw new TrustError(problems);
  const trust = new ClientTrust(authorities, issuersAmong(authorities), revocation, await SecondJudge.load());
  return { trust, warnings };
}

function readAuthorities(bundle: string, problems: string[]): Certificate[] {
  const pem = readPemBlocks(bundle);
  problems.push(...pem.problems.map((problem) => `client_ca_bundle: ${problem}`));
  if (pem.blocks.length === 0 && pem.problems.length === 0) {
    problems.push("client_ca_bundle: holds no PEM block CERTIFICATE; without a CA nobody could be admitted");
  }
  const authorities = new Map<string, Certificate>();
  for (const { label, der, line } of pem.blocks) {
    const where = `client_ca_bundle: the PEM block that starts in line ${line}`;
    if (label !== "CERTIFICATE") {
      problems.push(`${where} is a ${label}, expected only blocks CERTIFICATE`);
      continue;
    }
    try {
      const authority = readCertificate(der);
      const fault = authorityFault(authority);
      if (fault === undefined) authorities.set(authority.fingerprint, authority);
      else problems.push(`${where} cannot be used: ${fault.message.replace("its CA", "the certificate")}`);
    } catch (fault) {
      if (!(fault instanceof DerError)) throw fault;
      problems.push(`${where} is not a certificate: ${fault.message}`);
    }
  }
  return [...authorities.values()];
}

/** For each trusted CA that is not a root the trusted CAs that issued it. */
function issuersAmong(authorities: readonly Certificate[]): Map<Certificate, Certificate[]> {
  const issuers = new Map<Certificate, Certificate[]>();
  for (const authority of authorities.filter((each) => !isSelfIssued(each))) {
    issuers.set(
      authority,
      authorities.filter((above) =>
        above.subject.key === authority.issuer.key && isSignedWith(authority, above.publicKey)
      ),
    );
  }
  return issuers;
}

function revocationWarnings(
  authority: Certificate,
  revocation: Revocation,
  missing: "deny" | "allow",
): string[] {
  if (revocation.newestListOf(authority) !== undefined) return [];
  const effect = missing === "deny"
    ? 'certificates that it issued will be refused (crl_missing = "deny")'
    : 'certificates that it issued count as not revoked (crl_missing = "allow")';
  return [`client_crl_bundle: there is no list of the CA "${formatName(authority.subject)}": ${effect}`];
}
