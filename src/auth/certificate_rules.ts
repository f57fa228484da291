/** What a single certificate must be: a leaf for client authentication, or a CA that may issue such leaves. */
import { formatTime, Refusal } from "./certificate_verdict.ts";
import { formatName } from "./distinguished_name.ts";
import { type Certificate, isSelfIssued } from "./x509_certificate.ts";
import { PURPOSE } from "./x509_extensions.ts";

/** @throws {Refusal} */
export function checkDates(certificate: Certificate, whose: string, now: number): void {
  if (now < certificate.notBefore) {
    throw new Refusal("not_yet_valid", `${whose}not valid before ${formatTime(certificate.notBefore)}`);
  }
  if (now > certificate.notAfter) {
    throw new Refusal("expired", `${whose}expired on ${formatTime(certificate.notAfter)}`);
  }
}

/**
 * Everything about a leaf that can be said without its issuer, its names aside.
 *
 * @throws {Refusal}
 */
export function checkLeaf(leaf: Certificate, now: number): void {
  const { extensions } = leaf;
  if (leaf.version !== 3) {
    throw new Refusal(
      "version",
      `it is an X.509 version ${leaf.version} certificate, expected version 3 ` +
        '(made by "openssl x509 -req" without -extfile?)',
    );
  }
  if (extensions.isAuthority) {
    throw new Refusal(
      "not_a_leaf",
      "it is the certificate of a CA (basicConstraints CA:TRUE), not of a client",
    );
  }
  checkDates(leaf, "", now);
  const [unknown] = extensions.unknownCritical;
  if (unknown !== undefined) {
    throw new Refusal("unsupported", `it has the critical extension ${unknown}, which is not supported`);
  }
  const { fault } = leaf.publicKey;
  if (fault !== undefined) throw new Refusal("unsupported", `it ${fault}`);
  if (!permitsClients(leaf)) {
    throw new Refusal(
      "wrong_purpose",
      "it is not for client authentication (extendedKeyUsage lacks clientAuth)",
    );
  }
  if (extensions.keyUsage?.digitalSignature === false) {
    throw new Refusal(
      "wrong_purpose",
      "it is not for client authentication (keyUsage lacks digitalSignature)",
    );
  }
}

/** Why a certificate cannot be a CA of clients, whatever the time, undefined when it can. */
export function authorityFault(authority: Certificate): Refusal | undefined {
  const { extensions, publicKey } = authority;
  const which = `its CA "${formatName(authority.subject)}"`;
  if (authority.version !== 3) {
    return new Refusal(
      "version",
      `${which} is an X.509 version ${authority.version} certificate, expected version 3`,
    );
  }
  if (!extensions.isAuthority) {
    const why = extensions.hasBasicConstraints ? "basicConstraints CA:FALSE" : "no basicConstraints";
    return new Refusal("invalid_path", `${which} is not a CA (${why})`);
  }
  if (extensions.keyUsage?.certificateSigning === false) {
    return new Refusal("invalid_path", `${which} may not sign certificates (keyUsage lacks keyCertSign)`);
  }
  const [unknown] = extensions.unknownCritical;
  if (unknown !== undefined) {
    return new Refusal(
      "unsupported",
      `${which} has the critical extension ${unknown}, which is not supported`,
    );
  }
  if (publicKey.fault !== undefined) return new Refusal("unsupported", `${which} ${publicKey.fault}`);
  if (!permitsClients(authority)) {
    return new Refusal("wrong_purpose", `${which} is not for client authentication (extendedKeyUsage)`);
  }
  return undefined;
}

/** Whether the extended key usage, where there is one, allows client authentication. */
function permitsClients(certificate: Certificate): boolean {
  const { purposes } = certificate.extensions;
  return purposes === undefined || purposes.includes(PURPOSE.client) || purposes.includes(PURPOSE.any);
}

/** How many more intermediates may stand below, after a CA with its own limit (RFC 5280 section 6.1.4 (l), (m)). */
export function remainingPathLength(authority: Certificate, remaining: number): number {
  const spent = isSelfIssued(authority) ? remaining : remaining - 1;
  return Math.min(spent, authority.extensions.pathLength ?? Infinity);
}
