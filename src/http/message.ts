/** A request and a response as the registry sees them: plain values, whatever carried them. */

/** Header fields of a request, names in lower case, each with every value in the order received. */
export interface HeaderFields {
  /** The only or first value; undefined where the field is absent. */
  get(name: string): string | undefined;
  /** All values, one for each time the field was sent. */
  all(name: string): readonly string[];
}

/** The body of a request. Not read until somebody asks; then read once. */
export interface RequestBody {
  /** Bytes that the client announced; undefined for a chunked body. 0 when there is no body. */
  readonly length: number | undefined;
  /**
   * The bytes as they arrive, with backpressure to the client. A chunk is good until the next one is asked for: then its
   * memory is given back.
   *
   * @throws {ClientGone} when the client went away before the end
   * @throws {OciError} REQUEST_INVALID with status 408 when the client is slower than the minimum rate
   */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  /** Names this request in the log and in answers of status 5xx. */
  readonly id: string;
  /** As sent: methods are case-sensitive. */
  readonly method: string;
  /** "1.1" or "1.0". */
  readonly httpVersion: string;
  /** The request target exactly as it stood in the request line. */
  readonly target: string;
  readonly headers: HeaderFields;
  readonly body: RequestBody;
  /** Address of the peer, without port; IPv4-mapped IPv6 written as IPv4. */
  readonly peerAddress: string;
  /** True when it came over TLS. */
  readonly secure: boolean;
  /** Certificates that the client presented, DER, its own first, without bytes where it cannot be read; undefined when it presented none. */
  readonly certificateChain: readonly Uint8Array[] | undefined;
}

/** A body that is sent piece by piece. */
export interface StreamBody {
  /** Bytes in all. */
  readonly length: number;
  /** A chunk is good until the next one is asked for. Leaving the iteration early (`return()`) frees what it holds. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. `content-length` is here for HEAD too; the adapter adds nothing of its own but `date` and `connection`. */
  readonly headers: Readonly<Record<string, string>>;
  /** undefined for none. Never set in an answer to HEAD. */
  readonly body?: Uint8Array | StreamBody;
}

/** What the registry made of a request: the answer, and what the access log says of it. */
export interface Handled {
  readonly response: HttpResponse;
  /** Action of the operation, or "healthz", "readyz"; undefined when the request named none. */
  readonly action: string | undefined;
  /** The fault behind a 5xx answer, for the log. */
  readonly fault?: unknown;
}

/** The client went away in the middle of its request; there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}
