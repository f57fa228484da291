/** What the program sends to its own listeners to see that they accept, so that they do not take it for a broken client. */

/** Number of an alert for private use (RFC 8446 section 6, registry of TLS Alerts): no client of the world sends it. */
const PROBE_ALERT = 0xe7;

/** A fatal alert in the place of a handshake: whoever reads it ends the connection. Over plain HTTP the end alone is enough. */
export const TLS_PROBE = Uint8Array.of(21, 3, 3, 0, 2, 2, PROBE_ALERT);

/** Whether a handshake failed by {@linkcode TLS_PROBE}; the runtime's words are all that tells. */
export function isOwnProbe({ message }: Error): boolean {
  return message.includes(`received fatal alert: AlertDescription(0x${PROBE_ALERT.toString(16)})`);
}
