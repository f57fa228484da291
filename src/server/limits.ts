/** What a client may take of the server's time and memory. */

export interface ConnectionLimits {
  /** ms for a TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** ms from the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** ms that a connection may stay without a request, and a response without progress. */
  readonly idleTimeoutMs: number;
  /** Bytes per second that a client must deliver of a body, on average over a window; 0 for no minimum. */
  readonly minimumBodyRate: number;
  /** Length of that window in ms. */
  readonly bodyWindowMs: number;
  /** Connections that one thread holds at a time. */
  readonly maxConnections: number;
}

/** Header fields in one request; more is answered 431. */
export const MOST_HEADER_FIELDS = 100;

/** Bytes of all header fields of one request together; more is answered 431. */
export const MOST_HEADER_BYTES = 32 * 1024;

/**
 * Requests that a client may send on one connection before their answers have left, with what it sends where nothing more is
 * served; with more it is cut.
 */
export const MOST_REQUESTS_AHEAD = 100;
