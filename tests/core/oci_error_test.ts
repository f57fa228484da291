/** The table of error codes is the table of distribution-spec 1.1, and an OciError carries what it was given. */
import assert from "node:assert/strict";
import { ERROR_CODES, type ErrorCode, OciError } from "../../src/core/oci_error.ts";

/** Code, status, identifier; the identifiers and their order are those of the specification. */
const TABLE: [ErrorCode, number, string][] = [
  ["BLOB_UNKNOWN", 404, "code-1"],
  ["BLOB_UPLOAD_INVALID", 400, "code-2"],
  ["BLOB_UPLOAD_UNKNOWN", 404, "code-3"],
  ["DIGEST_INVALID", 400, "code-4"],
  ["MANIFEST_BLOB_UNKNOWN", 404, "code-5"],
  ["MANIFEST_INVALID", 400, "code-6"],
  ["MANIFEST_UNKNOWN", 404, "code-7"],
  ["NAME_INVALID", 400, "code-8"],
  ["NAME_UNKNOWN", 404, "code-9"],
  ["SIZE_INVALID", 400, "code-10"],
  ["UNAUTHORIZED", 401, "code-11"],
  ["DENIED", 403, "code-12"],
  ["UNSUPPORTED", 405, "code-13"],
  ["TOOMANYREQUESTS", 429, "code-14"],
  ["TAG_INVALID", 400, ""],
  ["PAGINATION_NUMBER_INVALID", 400, ""],
  ["REQUEST_INVALID", 400, ""],
  ["INSUFFICIENT_STORAGE", 507, ""],
  ["STORAGE_UNAVAILABLE", 503, ""],
  ["UNAVAILABLE", 503, ""],
  ["UPSTREAM_UNAVAILABLE", 502, ""],
  ["INTERNAL_ERROR", 500, ""],
];

/** The descriptions of the specification, which clients read when there is no better sentence. */
const DESCRIPTIONS: Partial<Record<ErrorCode, string>> = {
  BLOB_UNKNOWN: "blob unknown to registry",
  BLOB_UPLOAD_INVALID: "blob upload invalid",
  BLOB_UPLOAD_UNKNOWN: "blob upload unknown to registry",
  DIGEST_INVALID: "provided digest did not match uploaded content",
  MANIFEST_BLOB_UNKNOWN: "manifest references a manifest or blob unknown to registry",
  MANIFEST_INVALID: "manifest invalid",
  MANIFEST_UNKNOWN: "manifest unknown to registry",
  NAME_INVALID: "invalid repository name",
  NAME_UNKNOWN: "repository name not known to registry",
  SIZE_INVALID: "provided length did not match content length",
  UNAUTHORIZED: "authentication required",
  DENIED: "requested access to the resource is denied",
  UNSUPPORTED: "the operation is unsupported",
  TOOMANYREQUESTS: "too many requests",
};

Deno.test("ERROR_CODES holds every code of the specification and ours, each with its status", () => {
  const rows = Object.entries(ERROR_CODES).map(([code, entry]) => [code, entry.status, entry.specId]);
  assert.deepEqual(rows, TABLE);
});

Deno.test("ERROR_CODES has the descriptions of the specification", () => {
  for (const [code, text] of Object.entries(DESCRIPTIONS)) {
    assert.equal(ERROR_CODES[code as ErrorCode].text, text);
  }
});

Deno.test("ERROR_CODES has only codes of upper-case letters and underscores", () => {
  for (const code of Object.keys(ERROR_CODES)) assert.match(code, /^[A-Z_]+$/);
});

Deno.test("OciError takes status and text from the table", () => {
  const error = new OciError("MANIFEST_UNKNOWN");
  assert.equal(error.name, "OciError");
  assert.equal(error.code, "MANIFEST_UNKNOWN");
  assert.equal(error.status, 404);
  assert.equal(error.message, "manifest unknown to registry");
  assert.equal(error.detail, undefined);
  assert.deepEqual(error.headers, {});
  assert.equal(Object.hasOwn(error, "cause"), false);
});

Deno.test("OciError keeps message, detail, headers, status and cause", () => {
  const cause = new Error("disk");
  const error = new OciError("BLOB_UPLOAD_INVALID", {
    message: "no",
    detail: { offset: 1 },
    headers: { range: "0-9" },
    status: 416,
    cause,
  });
  assert.equal(error.message, "no");
  assert.deepEqual(error.detail, { offset: 1 });
  assert.deepEqual(error.headers, { range: "0-9" });
  assert.equal(error.status, 416);
  assert.equal(error.cause, cause);
});
