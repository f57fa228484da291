/** Says whether a certificate is revoked, from the revocation lists of the configuration. */
import { formatTime, Refusal } from "./certificate_verdict.ts";
import { formatName } from "./distinguished_name.ts";
import { isSignedWith } from "./public_key.ts";
import type { RevocationList } from "./revocation_list.ts";
import type { Certificate } from "./x509_certificate.ts";

export interface RevocationPolicy {
  /** What happens to the certificates of a CA of which there is no list. */
  readonly crlMissing: "deny" | "allow";
  /** Whether a list may be used after its nextUpdate. */
  readonly crlExpired: "deny" | "warn";
}

const MOST_REMEMBERED = 1_000;

/** The lists of all CAs. A list counts for a CA only when its key signed it; the name alone proves nothing. */
export class Revocation {
  readonly #listsByIssuer: ReadonlyMap<string, readonly RevocationList[]>;
  readonly #policy: RevocationPolicy;
  /** Newest list of each CA seen so far, by its fingerprint: checking the signature of a long list takes time. */
  readonly #newest = new Map<string, RevocationList | "none">();

  constructor(lists: readonly RevocationList[], policy: RevocationPolicy) {
    this.#listsByIssuer = Map.groupBy(lists, (list) => list.issuer.key);
    this.#policy = policy;
  }

  /**
   * Checks a certificate that the issuer signed.
   *
   * @param role how messages call the certificate; one that is itself trusted needs no list
   * @returns until when the answer holds, ms since the epoch
   * @throws {Refusal} revoked, crl_missing, crl_expired
   */
  check(
    certificate: Certificate,
    issuer: Certificate,
    role: "leaf" | "intermediate" | "trusted",
    now: number,
  ): number {
    const list = this.newestListOf(issuer);
    if (list === undefined) {
      if (role === "trusted" || this.#policy.crlMissing === "allow") return Infinity;
      throw new Refusal(
        "crl_missing",
        `client_crl_bundle has no revocation list of its issuer "${
          formatName(issuer.subject)
        }" (crl_missing = "deny")`,
      );
    }
    if (list.revokedSerials.has(certificate.serial)) {
      throw new Refusal(
        "revoked",
        role === "leaf"
          ? `revoked by its issuer "${formatName(issuer.subject)}"`
          : `its CA "${formatName(certificate.subject)}" is revoked by "${formatName(issuer.subject)}"`,
      );
    }
    if (this.#policy.crlExpired === "warn") return Infinity;
    if (now > list.nextUpdate) {
      throw new Refusal(
        "crl_expired",
        `the revocation list of "${formatName(issuer.subject)}" expired on ${formatTime(list.nextUpdate)}`,
      );
    }
    return list.nextUpdate;
  }

  /** The newest list that the CA signed. To be asked only for a CA whose own certificate was checked. */
  newestListOf(issuer: Certificate): RevocationList | undefined {
    let newest = this.#newest.get(issuer.fingerprint);
    if (newest === undefined) {
      newest = "none";
      for (const list of this.#listsByIssuer.get(issuer.subject.key) ?? []) {
        if (newest !== "none" && newest.thisUpdate >= list.thisUpdate) continue;
        if (isListOf(list, issuer)) newest = list;
      }
      if (this.#newest.size >= MOST_REMEMBERED) this.#newest.clear();
      this.#newest.set(issuer.fingerprint, newest);
    }
    return newest === "none" ? undefined : newest;
  }
}

/** Whether the CA made the list and may make one. */
export function isListOf(list: RevocationList, issuer: Certificate): boolean {
  const { keyUsage } = issuer.extensions;
  return list.issuer.key === issuer.subject.key && (keyUsage === undefined || keyUsage.listSigning) &&
    isSignedWith(list, issuer.publicKey);
}
