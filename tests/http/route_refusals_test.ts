/** Holds how names, digests, tags and session ids outside their grammar are refused. */
import assert from "node:assert/strict";
import { OciError } from "../../src/core/oci_error.ts";
import { findRoute } from "../../src/http/route.ts";
import { parseTarget } from "../../src/http/target.ts";

const D = `sha256:${"a".repeat(64)}`;
const ID = "01234567-89ab-4def-8123-456789abcdef";

function route(method: string, target: string) {
  return findRoute(method, parseTarget(target));
}

function refusal(method: string, target: string): OciError {
  try {
    route(method, target);
  } catch (error) {
    assert.ok(error instanceof OciError);
    return error;
  }
  throw new assert.AssertionError({ message: `${method} ${target} was not refused` });
}

Deno.test("findRoute() refuses names outside the grammar with NAME_INVALID", () => {
  const names = [
    "",
    ".",
    "..",
    "a/../b",
    "A",
    "a//b",
    "/a",
    "a/",
    "_uploads",
    "a/_uploads",
    "a%2fb",
    "a%2Fb",
    "%2e%2e",
    "a/%2e%2e/b",
    "%252e%252e",
    "a\\b",
    "a%5cb",
    "a%00",
    "a%0ab",
    "%zz",
    "a..b",
    "a___b",
    "a-",
    "con.",
    "a~1",
    "a:b",
    "a@b",
    "%c3%a4",
    "a".repeat(256),
  ];
  for (const name of names) {
    for (const last of ["manifests/latest", `blobs/${D}`, "tags/list", `referrers/${D}`]) {
      const { code, status } = refusal("GET", `/v2/${name}/${last}`);
      assert.deepEqual([code, status], ["NAME_INVALID", 400], name);
    }
    assert.equal(refusal("POST", `/v2/${name}/blobs/uploads/`).code, "NAME_INVALID", name);
  }
});

Deno.test("findRoute() takes a name of 255 characters and an escape that hides nothing", () => {
  const name = "a".repeat(255);
  assert.deepEqual(route("GET", `/v2/${name}/tags/list`), { action: "list-tags", repository: name });
  assert.deepEqual(route("GET", "/v2/%61bc/tags/list"), { action: "list-tags", repository: "abc" });
});

Deno.test("findRoute() refuses digests that cannot be verified with DIGEST_INVALID", () => {
  const digests = [
    "x",
    "sha256:",
    "sha256:abc",
    `sha256:${"A".repeat(64)}`,
    `SHA256:${"a".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
    `sha256:${"a".repeat(65)}`,
    `sha512:${"a".repeat(64)}`,
    `md5:${"a".repeat(32)}`,
    `sha256:${"a".repeat(63)}g`,
    `sha256%2f${"a".repeat(64)}`,
    `sha256:sha256:${"a".repeat(57)}`,
    "%zz",
  ];
  for (const text of digests) {
    assert.equal(refusal("GET", `/v2/a/blobs/${text}`).code, "DIGEST_INVALID", text);
    assert.equal(refusal("GET", `/v2/a/referrers/${text}`).code, "DIGEST_INVALID", text);
    assert.equal(refusal("POST", `/v2/a/blobs/uploads/?mount=${text}`).status, 400, text);
    assert.equal(refusal("POST", `/v2/a/blobs/uploads/?digest=${text}`).status, 400, text);
    assert.equal(refusal("PUT", `/v2/a/blobs/uploads/${ID}?digest=${text}`).status, 400, text);
    if (text.includes(":")) {
      assert.equal(refusal("PUT", `/v2/a/manifests/${text}`).code, "DIGEST_INVALID", text);
    }
  }
});

Deno.test("findRoute() answers 404 to the pull of a tag outside the grammar and 400 to its push", () => {
  for (const tag of [".INVALID_MANIFEST_NAME", "-a", "", "a".repeat(129), "a%2fb", "a%0a", "%zz", "a+b"]) {
    for (const method of ["GET", "HEAD"]) {
      const { code, status } = refusal(method, `/v2/a/manifests/${tag}`);
      assert.deepEqual([code, status], ["MANIFEST_UNKNOWN", 404], tag);
    }
    assert.equal(refusal("PUT", `/v2/a/manifests/${tag}`).code, "TAG_INVALID", tag);
    assert.equal(refusal("DELETE", `/v2/a/manifests/${tag}`).code, "TAG_INVALID", tag);
  }
});

Deno.test("findRoute() refuses tag parameters that do not parse, are too many, or go with a push by tag", () => {
  assert.equal(refusal("PUT", `/v2/a/manifests/${D}?tag=ok&tag=.no`).code, "TAG_INVALID");
  assert.equal(refusal("PUT", "/v2/a/manifests/latest?tag=x").code, "REQUEST_INVALID");
  const many = (count: number) => Array.from({ length: count }, (_, i) => `tag=t${i}`).join("&");
  assert.equal(refusal("PUT", `/v2/a/manifests/${D}?${many(101)}`).status, 414);
  const full = route("PUT", `/v2/a/manifests/${D}?${many(100)}`);
  assert.ok(full.action === "put-manifest" && full.tags.length === 100);
});

Deno.test("findRoute() refuses a mount whose source is outside the grammar", () => {
  for (const from of ["A", "..", "a%2f..", "a%252fb", "_uploads"]) {
    assert.equal(refusal("POST", `/v2/a/blobs/uploads/?mount=${D}&from=${from}`).code, "NAME_INVALID", from);
  }
});

Deno.test("findRoute() answers 404 for session ids that no session can have", () => {
  for (const id of ["x", "..", ID.toUpperCase(), ID + "0", "%2e%2e", "%zz"]) {
    for (const method of ["GET", "PATCH", "DELETE"]) {
      assert.equal(refusal(method, `/v2/a/blobs/uploads/${id}`).code, "BLOB_UPLOAD_UNKNOWN", id);
    }
  }
});

Deno.test("findRoute() asks for the digest that completes an upload", () => {
  const { code, message } = refusal("PUT", `/v2/a/blobs/uploads/${ID}`);
  assert.equal(code, "DIGEST_INVALID");
  assert.match(message, /missing/);
});
