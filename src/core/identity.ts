/** Who asks. Certificates, passwords and tokens fill it in; policies read it. */

/** What a verified client certificate says. */
export interface CertificateFacts {
  /** Attributes of the subject, in order. */
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
  readonly organizationalUnits: readonly string[];
  /** Subject alternative names. */
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** Lower-case hexadecimal, without leading zeros. */
  readonly serial: string;
  /** SHA-256 of the DER certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprint: string;
  readonly issuerCommonNames: readonly string[];
  /** End of its validity, ms since the epoch. */
  readonly notAfter: number;
}

export interface Identity {
  /** Address of the client, without port; IPv4-mapped IPv6 written as IPv4. */
  readonly clientIp: string;
  /** The `<id>` of the `[auth.identity.<id>]` whose password was given; "" for nobody. */
  readonly id: string;
  /** Name that was proven with a password or a token; "" for nobody. */
  readonly username: string;
  /** undefined where no certificate was presented. One that is not acceptable makes no identity at all. */
  readonly certificate: CertificateFacts | undefined;
}

/** True for a caller of whom more is known than an address. */
export function isIdentified(identity: Identity): boolean {
  return identity.username !== "" || identity.id !== "" || identity.certificate !== undefined;
}

/** Somebody of whom only the address is known. */
export function anonymousIdentity(clientIp: string): Identity {
  return { clientIp, id: "", username: "", certificate: undefined };
}
