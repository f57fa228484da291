/** Makes the short-lived tokens that stand for an identity, or for nobody. */
import type { Identity } from "../core/identity.ts";

export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  /** ms since the epoch. */
  readonly issuedAt: number;
}

export interface TokenIssuer {
  /** A token for what the identity proved by password; its certificate and address never travel in one. */
  issueToken(identity: Identity): Promise<IssuedToken>;
}
