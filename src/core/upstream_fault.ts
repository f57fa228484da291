/** A failure of an upstream registry, sorted by what it means for those who asked. */

export type UpstreamFaultKind =
  /** No connection: refused, no such name, no handshake. */
  | "unreachable"
  /** No answer, or no further byte of one, in time. */
  | "timeout"
  /** It answers 5xx, breaks off, or says what cannot be right. */
  | "broken"
  /** It wants other credentials, or none will do. */
  | "denied"
  /** It wants fewer requests. */
  | "limited"
  /** It leads to where this registry does not go: an address, a host, a plain connection. */
  | "unsafe";

export interface UpstreamFaultOptions {
  readonly cause?: unknown;
  /** ms after which it may be asked again, of a "limited" one. */
  readonly retryAfterMs?: number;
}

/** The message holds no credentials and no query of a URL. */
export class UpstreamFault extends Error {
  override readonly name = "UpstreamFault";
  readonly kind: UpstreamFaultKind;
  readonly retryAfterMs: number | undefined;

  constructor(kind: UpstreamFaultKind, message: string, { cause, retryAfterMs }: UpstreamFaultOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}
