/** Holds which operation a method and a path ask for. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { OciError } from "../../src/core/oci_error.ts";
import { isRepositoryName } from "../../src/core/repository_name.ts";
import { findRoute } from "../../src/http/route.ts";
import { parseTarget } from "../../src/http/target.ts";
import { cheapest } from "../harness/cheapest.ts";

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
  ["GET", "/metrics", { action: "metrics" }],
  ["GET", "/v2/_catalog?n=5", { action: "list-catalog", n: 5 }],
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
  ["GET", "/v2/a/tags/list?n=1&last=v1", { action: "list-tags", repository: "a", n: 1, last: "v1" }],
  ["POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512", {
    action: "start-upload",
    repository: "a",
    digestAlgorithm: "sha512",
  }],
  ["GET", `/v2/a/referrers/${D}?artifactType=a/b&last=${D}`, {
    action: "get-referrers",
    repository: "a",
    digest: D,
    artifactType: "a/b",
    last: D,
  }],
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

Deno.test("findRoute() answers within 5 ms for hostile names of 8,000 characters", async () => {
  for (
    const name of ["a-".repeat(4000) + "!", "a/".repeat(4000) + "!", "-".repeat(8000), "%61".repeat(2600)]
  ) {
    const ms = await cheapest(() => refusal("GET", `/v2/${name}/manifests/latest`), 5);
    assert.ok(ms < 5, `${ms} ms`);
  }
});
