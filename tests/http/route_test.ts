/** Holds which operation a method and a path ask for, and how the rest is refused. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { OciError } from "../../src/core/oci_error.ts";
import { isRepositoryName } from "../../src/core/repository_name.ts";
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

const digest = { kind: "digest", digest: D };
const latest = { kind: "tag", tag: "latest" };

const ROUTES: [method: string, target: string, route: Record<string, unknown>][] = [
  ["GET", "/v2/", { action: "get-api-version" }],
  ["HEAD", "/v2", { action: "get-api-version" }],
  ["GET", "/v2/_catalog?n=5", { action: "list-catalog" }],
  ["GET", "/healthz", { action: "healthz" }],
  ["HEAD", "/readyz", { action: "readyz" }],
  ["GET", "/v2/a/b/manifests/latest", { action: "get-manifest", repository: "a/b", reference: latest }],
  ["HEAD", `/v2/a/manifests/${D}`, { action: "get-manifest", repository: "a", reference: digest }],
  ["GET", `/v2/a/manifests/${D.replace(":", "%3A")}`, {
    action: "get-manifest",
    repository: "a",
    reference: digest,
  }],
  ["PUT", "/v2/a/manifests/latest", {
    action: "put-manifest",
    repository: "a",
    reference: latest,
    tags: ["latest"],
  }],
  ["PUT", `/v2/a/manifests/${D}?tag=x&tag=y&tag=x`, {
    action: "put-manifest",
    repository: "a",
    reference: digest,
    tags: ["x", "y"],
  }],
  ["DELETE", "/v2/a/manifests/latest", { action: "delete-manifest", repository: "a", reference: latest }],
  ["GET", `/v2/a/blobs/${D}`, { action: "get-blob", repository: "a", digest: D }],
  ["DELETE", `/v2/a/blobs/${D}`, { action: "delete-blob", repository: "a", digest: D }],
  ["POST", "/v2/a/blobs/uploads/", { action: "start-upload", repository: "a" }],
  ["POST", "/v2/a/blobs/uploads", { action: "start-upload", repository: "a" }],
  ["POST", `/v2/a/blobs/uploads/?digest=${D}`, { action: "start-upload", repository: "a", digest: D }],
  ["POST", `/v2/a/blobs/uploads/?mount=${D}&from=b/c`, {
    action: "mount-blob",
    repository: "a",
    digest: D,
    from: "b/c",
  }],
  ["POST", `/v2/a/blobs/uploads/?mount=${D}&from=`, { action: "mount-blob", repository: "a", digest: D }],
  ["GET", `/v2/a/blobs/uploads/${ID}?digest=x`, { action: "get-upload", repository: "a", sessionId: ID }],
  ["PATCH", `/v2/a/blobs/uploads/${ID}`, { action: "update-upload", repository: "a", sessionId: ID }],
  ["PUT", `/v2/a/blobs/uploads/${ID}?digest=${D}`, {
    action: "complete-upload",
    repository: "a",
    sessionId: ID,
    digest: D,
  }],
  ["DELETE", `/v2/a/blobs/uploads/${ID}`, { action: "cancel-upload", repository: "a", sessionId: ID }],
  ["GET", "/v2/a/tags/list?n=1", { action: "list-tags", repository: "a" }],
  ["GET", `/v2/a/referrers/${D}`, { action: "get-referrers", repository: "a", digest: D }],
  // Names may hold segments that look like markers: the last marker counts.
  ["GET", "/v2/a/manifests/b/manifests/latest", {
    action: "get-manifest",
    repository: "a/manifests/b",
    reference: latest,
  }],
  ["GET", "/v2/tags/list/tags/list", { action: "list-tags", repository: "tags/list" }],
  ["POST", "/v2/blobs/uploads/blobs/uploads/", { action: "start-upload", repository: "blobs/uploads" }],
  ["GET", `/v2/a/blobs/uploads/blobs/${D}`, {
    action: "get-blob",
    repository: "a/blobs/uploads",
    digest: D,
  }],
];

for (const [method, target, expected] of ROUTES) {
  Deno.test(`findRoute() reads ${method} ${target.replaceAll("a".repeat(64), "...")} as ${expected.action}`, () => {
    assert.deepEqual(route(method, target), expected);
  });
}

Deno.test("findRoute() answers 404 for what is no endpoint", () => {
  const targets = [
    "/",
    "/v1/",
    "//v2/",
    "/v2//",
    "/v2/a",
    "/v2/a/",
    "/v2/manifests/latest",
    "/v2/a/tags",
    "/v2/a/tags/lists",
    "/v2/a/tags/list/",
    "/v2/a/manifests/latest/",
    "/v2/a/uploads/x",
    "/v2/a/%6danifests/latest",
    "/v2/../../etc/passwd",
    "/healthz/",
    "/healthz/../v2/",
    "/v2/_catalog/",
    "*",
    "example.com:443",
  ];
  for (const target of targets) {
    const { code, status } = refusal("GET", target);
    assert.deepEqual([code, status], ["NAME_UNKNOWN", 404], target);
  }
});

Deno.test("findRoute() answers 405 with Allow for a method that an endpoint lacks", () => {
  const cases: [method: string, target: string, allow: string][] = [
    ["POST", "/v2/", "GET, HEAD"],
    ["DELETE", "/v2/_catalog", "GET, HEAD"],
    ["POST", "/v2/a/manifests/latest", "GET, HEAD, PUT, DELETE"],
    ["PUT", `/v2/a/blobs/${D}`, "GET, HEAD, DELETE"],
    ["GET", "/v2/a/blobs/uploads/", "POST"],
    ["POST", `/v2/a/blobs/uploads/${ID}`, "GET, HEAD, PATCH, PUT, DELETE"],
    ["PUT", "/v2/a/tags/list", "GET, HEAD"],
    ["DELETE", `/v2/a/referrers/${D}`, "GET, HEAD"],
    ["OPTIONS", "/v2/", "GET, HEAD"],
    ["get", "/v2/", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
  ];
  for (const [method, target, allow] of cases) {
    const { code, status, headers } = refusal(method, target);
    assert.deepEqual([code, status, headers.allow], ["UNSUPPORTED", 405, allow], `${method} ${target}`);
  }
});

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

Deno.test("findRoute() lets no name through that is outside the grammar, and throws nothing but the one error type", () => {
  const piece = fc.constantFrom(
    "a",
    "..",
    "/",
    "blobs",
    "uploads",
    "manifests",
    "%2f",
    "%2e",
    "\\",
    "_",
    "-",
    "A",
    D,
    "tags/list",
    "?",
  );
  const target = fc.array(piece, { maxLength: 12 }).map((pieces) => "/v2/" + pieces.join(""));
  const method = fc.constantFrom("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD");
  fc.assert(
    fc.property(method, target, (verb, text) => {
      try {
        const found = route(verb, text);
        if ("repository" in found) assert.ok(isRepositoryName(found.repository));
      } catch (error) {
        assert.ok(error instanceof OciError);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("findRoute() answers within 5 ms for hostile names of 8,000 characters", () => {
  for (
    const name of ["a-".repeat(4000) + "!", "a/".repeat(4000) + "!", "-".repeat(8000), "%61".repeat(2600)]
  ) {
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      refusal("GET", `/v2/${name}/manifests/latest`);
      return performance.now() - start;
    });
    // The fastest of five: the machine may be busy with something else.
    assert.ok(Math.min(...times) < 5);
  }
});
