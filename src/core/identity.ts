/** Who asks. Certificates, passwords and tokens fill it in; policies read it. */

export interface Identity {
  /** Address of the client, without port; IPv4-mapped IPv6 written as IPv4. */
  readonly clientIp: string;
  /** Name that was proven with a password or a token; "" for nobody. */
  readonly username: string;
}

/** Somebody of whom only the address is known. */
export function anonymousIdentity(clientIp: string): Identity {
  return { clientIp, username: "" };
}
