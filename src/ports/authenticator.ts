/** Finds out who sent a request. */
import type { Identity } from "../core/identity.ts";

/** What a request shows of its sender. */
export interface Credentials {
  /** Address of the peer, without port. */
  readonly peerAddress: string;
  /** Value of the `Authorization` header, undefined where there was none. */
  readonly authorization: string | undefined;
}

export interface Authenticator {
  /** @throws {OciError} UNAUTHORIZED for credentials that are presented and wrong */
  identify(credentials: Credentials): Promise<Identity>;
}
