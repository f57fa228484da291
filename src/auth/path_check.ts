/** Checks a whole path from a trusted CA down to the leaf (RFC 5280 section 6.1). */
import { authorityFault, checkDates, remainingPathLength } from "./certificate_rules.ts";
import { Refusal } from "./certificate_verdict.ts";
import { formatName } from "./distinguished_name.ts";
import { nameConstraintFault, type NameConstraints } from "./name_constraints.ts";
import { isSignedWith } from "./public_key.ts";
import type { Revocation } from "./revocation.ts";
import { type Certificate, isSelfIssued } from "./x509_certificate.ts";

/** Leaf first, then intermediates, a trusted CA last: at least two. */
export type CertificatePath = readonly Certificate[];

/** A good path needs seven at most; each takes up to 2 ms in which the thread does nothing else. */
const MOST_SIGNATURE_CHECKS = 24;

/** Signatures that were checked already; paths that share certificates share the work. */
export class SignatureChecks {
  readonly #results = new Map<string, boolean>();

  /** @throws {Refusal} too_large, after too many different ones */
  isSigned(certificate: Certificate, issuer: Certificate): boolean {
    const pair = `${certificate.fingerprint} ${issuer.fingerprint}`;
    let result = this.#results.get(pair);
    if (result === undefined) {
      if (this.#results.size === MOST_SIGNATURE_CHECKS) {
        throw new Refusal(
          "too_large",
          `more than ${MOST_SIGNATURE_CHECKS} signatures would have to be checked`,
        );
      }
      result = isSignedWith(certificate, issuer.publicKey);
      this.#results.set(pair, result);
    }
    return result;
  }
}

export interface PathContext {
  readonly now: number;
  /** undefined where no revocation lists are configured. */
  readonly revocation: Revocation | undefined;
  readonly signatures: SignatureChecks;
  /** Trusted CAs that issued a trusted CA. */
  readonly issuersOfTrusted: (trusted: Certificate) => readonly Certificate[];
  /** Told what was found good on the way, one sentence each. */
  readonly onStep: ((step: string) => void) | undefined;
}

export type PathResult =
  | { readonly valid: true; readonly validUntil: number }
  /** `level` counts from the leaf (0): the lower, the more of the path was found good. */
  | { readonly valid: false; readonly level: number; readonly refusal: Refusal };

/**
 * Goes from the top to the bottom, so that the key of a certificate is used only after the certificate itself was
 * found to be that of a CA: what a stranger sends is never more than a signature to check.
 */
export function checkPath(path: CertificatePath, context: PathContext): PathResult {
  let validUntil = Infinity;
  let remaining = Infinity;
  const constraints: NameConstraints[] = [];
  let level = path.length - 1;
  let issuer: Certificate | undefined;
  try {
    for (const certificate of path.toReversed()) {
      const isLeaf = level === 0;
      const shown = `"${formatName(certificate.subject)}"`;
      checkDates(certificate, isLeaf ? "" : `its CA ${shown} `, context.now);
      validUntil = Math.min(validUntil, certificate.notAfter);
      if (issuer !== undefined) {
        checkIssued(certificate, issuer, isLeaf, context.signatures);
        for (const each of constraints) checkConstraints(each, certificate, isLeaf);
      }
      if (!isLeaf) {
        const fault = authorityFault(certificate);
        if (fault !== undefined) throw fault;
        // The trusted CA is not counted itself, its limit counts what stands below it.
        if (issuer !== undefined && remaining <= 0 && !isSelfIssued(certificate)) {
          throw new Refusal(
            "invalid_path",
            `there is one intermediate CA too many, ${shown} (pathLenConstraint)`,
          );
        }
        remaining = issuer === undefined
          ? certificate.extensions.pathLength ?? Infinity
          : remainingPathLength(certificate, remaining);
        if (certificate.extensions.nameConstraints !== undefined) {
          constraints.push(certificate.extensions.nameConstraints);
        }
      }
      validUntil = Math.min(validUntil, checkRevocation(certificate, issuer, isLeaf, context));
      context.onStep?.(
        `${
          isLeaf ? "client certificate" : issuer === undefined ? "trusted CA" : "intermediate CA"
        } ${shown} is good`,
      );
      issuer = certificate;
      level--;
    }
    return { valid: true, validUntil };
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    // Where a signature fails, the certificates are joined by name only, and the path says the least.
    return { valid: false, level: fault.code === "bad_signature" ? path.length : level, refusal: fault };
  }
}

function checkIssued(
  certificate: Certificate,
  issuer: Certificate,
  isLeaf: boolean,
  signatures: SignatureChecks,
): void {
  const which = isLeaf ? "it" : `its CA "${formatName(certificate.subject)}"`;
  const { signatureAlgorithm } = certificate;
  if (signatureAlgorithm.kind === "unusable") {
    throw new Refusal("unsupported", `${which} ${signatureAlgorithm.fault}`);
  }
  if (!signatures.isSigned(certificate, issuer)) {
    throw new Refusal(
      "bad_signature",
      `${which} is not signed with the key of its issuer "${
        formatName(issuer.subject)
      }"; another CA of that name?`,
    );
  }
}

function checkConstraints(constraints: NameConstraints, certificate: Certificate, isLeaf: boolean): void {
  const fault = nameConstraintFault(
    constraints,
    certificate.subject,
    certificate.extensions.alternativeNames,
  );
  if (fault === undefined) return;
  const whose = isLeaf ? "" : ` of its CA "${formatName(certificate.subject)}"`;
  throw new Refusal("invalid_path", `a name constraint of a CA above forbids a name${whose}: ${fault}`);
}

/** Until when nothing on the certificate's revocation can change. */
function checkRevocation(
  certificate: Certificate,
  issuer: Certificate | undefined,
  isLeaf: boolean,
  { revocation, issuersOfTrusted, now }: PathContext,
): number {
  if (revocation === undefined) return Infinity;
  if (issuer !== undefined) {
    return revocation.check(certificate, issuer, isLeaf ? "leaf" : "intermediate", now);
  }
  // Whoever trusts an intermediate beside its root still wants it gone when the root revokes it.
  const ends = issuersOfTrusted(certificate).map((above) =>
    revocation.check(certificate, above, "trusted", now)
  );
  return Math.min(Infinity, ...ends);
}
