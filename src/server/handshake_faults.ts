/** Says which TLS handshakes failed and why, so seldom that strangers cannot fill the log with them. */
import type { Log } from "../ports/log.ts";

/** Lines of one minute; the rest is counted. */
const MOST_LINES = 10;

const MINUTE_MS = 60_000;

export class HandshakeFaults {
  readonly #log: Log;
  readonly #now: () => number;
  #minuteBegan = -Infinity;
  #lines = 0;
  #untold = 0;

  /** @param now ms of a clock that only goes on */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /**
   * A certificate that the runtime itself cannot take, with an unknown critical extension say, ends here: the client
   * reads an alert without words, and this line is all that tells of it. The reason is the runtime's, and not always the
   * right one.
   *
   * @param peer address of the client
   */
  tell(peer: string, { message, code }: Error & { code?: string }): void {
    // Who connects and goes away again is no client with a problem, but a probe.
    if (code === "ECONNRESET") {
      this.#log.debug("handshake failed", { peer, reason: message });
      return;
    }
    if (this.#now() - this.#minuteBegan >= MINUTE_MS) {
      this.#minuteBegan = this.#now();
      this.#lines = 0;
    }
    if (this.#lines >= MOST_LINES) {
      this.#untold++;
      return;
    }
    this.#lines++;
    this.#log.info("handshake failed", {
      peer,
      reason: message,
      ...(this.#untold > 0 && { others_not_told: this.#untold }),
    });
    this.#untold = 0;
  }
}

/** Classes of reasons, for metrics. */
export type HandshakeFailure =
  /** The client went away. */
  | "gone"
  | "timeout"
  /** What came is no TLS, such as a request in plain HTTP. */
  | "not_tls"
  /** No common version, cipher or protocol. */
  | "incompatible"
  /** The client does not take the server's certificate, mostly because it does not know the CA. */
  | "refused_by_client"
  /** The runtime cannot take the client's certificate. */
  | "bad_certificate"
  | "other";

/** By the runtime's error codes and, where it gives none, the words of its TLS library. */
const CLASSES: readonly (readonly [RegExp, HandshakeFailure])[] = [
  [/^ECONNRESET/, "gone"],
  [/timeout/i, "timeout"],
  [/received fatal alert/, "refused_by_client"],
  [/^ERR_SSL_WRONG_VERSION_NUMBER|corrupt message/, "not_tls"],
  [/^ERR_SSL_NO_APPLICATION_PROTOCOL|peer is incompatible|doesn't support/, "incompatible"],
  [/invalid peer certificate|NoCertificatesPresented|unable to get issuer certificate/, "bad_certificate"],
];

/** The class of a failed handshake. */
export function classOf({ message, code = "" }: Error & { code?: string }): HandshakeFailure {
  return CLASSES.find(([words]) => words.test(`${code} ${message}`))?.[1] ?? "other";
}
