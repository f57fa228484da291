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
   * reads an alert without words, so that this line is all that tells of
   * it. The reason is the runtime's, and not always the right one.
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
