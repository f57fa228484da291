/** The one error type of the registry, and the one table from error code to HTTP status. */

interface CodeEntry {
  /** HTTP status when the thrower gives no other. */
  status: number;
  /** What the client reads when the thrower gives no message. */
  text: string;
  /** Row of the distribution-spec's table of error codes, or "" for a code that is ours. */
  specId: string;
}

/** Every code that an answer can carry (distribution-spec 1.1, "Error Codes"; the ones without `specId` are ours). */
export const ERROR_CODES = {
  BLOB_UNKNOWN: { status: 404, text: "blob unknown to registry", specId: "code-1" },
  BLOB_UPLOAD_INVALID: { status: 400, text: "blob upload invalid", specId: "code-2" },
  BLOB_UPLOAD_UNKNOWN: { status: 404, text: "blob upload unknown to registry", specId: "code-3" },
  DIGEST_INVALID: {
    status: 400,
    text: "provided digest did not match uploaded content",
    specId: "code-4",
  },
  MANIFEST_BLOB_UNKNOWN: {
    status: 404,
    text: "manifest references a manifest or blob unknown to registry",
    specId: "code-5",
  },
  MANIFEST_INVALID: { status: 400, text: "manifest invalid", specId: "code-6" },
  MANIFEST_UNKNOWN: { status: 404, text: "manifest unknown to registry", specId: "code-7" },
  NAME_INVALID: { status: 400, text: "invalid repository name", specId: "code-8" },
  NAME_UNKNOWN: { status: 404, text: "repository name not known to registry", specId: "code-9" },
  SIZE_INVALID: { status: 400, text: "provided length did not match content length", specId: "code-10" },
  UNAUTHORIZED: { status: 401, text: "authentication required", specId: "code-11" },
  DENIED: { status: 403, text: "requested access to the resource is denied", specId: "code-12" },
  UNSUPPORTED: { status: 405, text: "the operation is unsupported", specId: "code-13" },
  TOOMANYREQUESTS: { status: 429, text: "too many requests", specId: "code-14" },
  TAG_INVALID: { status: 400, text: "manifest tag did not match the tag grammar", specId: "" },
  PAGINATION_NUMBER_INVALID: { status: 400, text: "invalid number of results requested", specId: "" },
  REQUEST_INVALID: { status: 400, text: "the request is malformed", specId: "" },
  INSUFFICIENT_STORAGE: {
    status: 507,
    text:
      "the registry has no room for this content: its administrator has to delete content or enlarge the disk",
    specId: "",
  },
  STORAGE_UNAVAILABLE: {
    status: 503,
    text: "the registry cannot use its disk: its administrator finds the reason in the log",
    specId: "",
  },
  UNAVAILABLE: { status: 503, text: "the registry cannot answer now, try again", specId: "" },
  UPSTREAM_UNAVAILABLE: {
    status: 502,
    text: "the registry that this repository mirrors fails or does not answer: try again later",
    specId: "",
  },
  INTERNAL_ERROR: { status: 500, text: "internal error", specId: "" },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface OciErrorOptions {
  /** A sentence for people: what happened, with which value, and what to do. */
  message?: string;
  /** Machine-readable detail, put into the answer as it is. */
  detail?: unknown;
  /** Extra response headers, e.g. `Range` of a 416. Lower-case names. */
  headers?: Record<string, string>;
  /** HTTP status when it differs from the table's. */
  status?: number;
  /** The fault beneath, for the log only. */
  cause?: unknown;
}

/** A failure that the client is to see: thrown where the fault is noticed, mapped to an answer in one place. */
export class OciError extends Error {
  override readonly name = "OciError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: unknown;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, options: OciErrorOptions = {}) {
    super(
      options.message ?? ERROR_CODES[code].text,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.status = options.status ?? ERROR_CODES[code].status;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }
}
