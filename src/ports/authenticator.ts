/** Finds out who sent a request. */
import type { Identity } from "../core/identity.ts";

/** What a request shows of its sender. */
export interface Credentials {
  /** Address of the peer, without port. */
  readonly peerAddress: string;
  /** Values of the `X-Forwarded-For` header, which count only from a trusted proxy. */
  readonly forwardedFor: readonly string[];
  /** Value of the `Authorization` header, undefined where there was none. */
  readonly authorization: string | undefined;
  /** True where the request came over TLS, so that a certificate could be shown. */
  readonly secure: boolean;
  /** Certificates that the client presented, DER, its own first, without bytes where it cannot be read; undefined when it presented none. */
  readonly certificateChain: readonly Uint8Array[] | undefined;
}

export interface Authenticator {
  /**
   * @throws {OciError} UNAUTHORIZED for a password or token that is wrong, or a certificate that is required and missing;
   * DENIED for a certificate that is presented and not acceptable; TOOMANYREQUESTS after too many wrong passwords
   */
  identify(credentials: Credentials): Promise<Identity>;
}
