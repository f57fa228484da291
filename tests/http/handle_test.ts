/** The request path itself: hosts, identity, permission, faults, health. */
import assert from "node:assert/strict";
import { OciError } from "../../src/core/oci_error.ts";
import type { Credentials } from "../../src/ports/authenticator.ts";
import { digestOf } from "../model/bytes.ts";
import { makeModelRegistry, SOMEBODY } from "../model/model_registry.ts";
import { assertRefused, makeBlob, pushBlob, pushImage } from "./content.ts";
import { collect, makeClient, makeRequest } from "./request_builder.ts";

Deno.test("GET and HEAD of /v2/ say which API this is", async () => {
  const client = makeClient(makeModelRegistry());
  for (const path of ["/v2/", "/v2"]) {
    const answer = await client.send("GET", path);
    assert.deepEqual([answer.status, answer.json, answer.handled.action], [200, {}, "get-api-version"]);
    assert.equal(answer.headers["docker-distribution-api-version"], "registry/2.0");
    assert.equal(answer.headers["content-type"], "application/json");
    const head = await client.send("HEAD", path);
    assert.deepEqual([head.headers, head.body.length], [answer.headers, 0]);
  }
});

Deno.test("a request with no Host or two is refused, except for none in HTTP/1.0", async () => {
  const client = makeClient(makeModelRegistry());
  const cases: [hosts: string[], httpVersion: string, status: number][] = [
    [["a"], "1.1", 200],
    [[""], "1.1", 200],
    [[], "1.1", 400],
    [["a", "b"], "1.1", 400],
    [["a", "a"], "1.1", 400],
    [[], "1.0", 200],
    [["a", "b"], "1.0", 400],
  ];
  for (const [host, httpVersion, status] of cases) {
    for (const path of ["/v2/", "/healthz"]) {
      const answer = await client.send("GET", path, { headers: { host }, httpVersion });
      assert.equal(answer.status, status, `${host} ${httpVersion}`);
    }
  }
});

Deno.test("an absolute-form target is served as its path, whatever host it names", async () => {
  const client = makeClient(makeModelRegistry());
  assert.equal((await client.send("GET", "http://elsewhere.example/v2/")).status, 200);
  assertRefused(await client.send("GET", "http://elsewhere.example/v2/../x"), 404, "NAME_UNKNOWN");
});

Deno.test("every answer forbids guessing its type, and errors are JSON of the stated length", async () => {
  const client = makeClient(makeModelRegistry());
  for (
    const [method, target] of [["GET", "/"], ["POST", "/v2/"], ["GET", "/v2/A/tags/list"], [
      "PUT",
      "/v2/a/manifests/x",
    ]]
  ) {
    const answer = await client.send(method!, target!);
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    assert.equal(answer.headers["docker-distribution-api-version"], "registry/2.0");
    assert.equal(answer.headers["content-length"], String(answer.body.length));
    const head = await client.send("HEAD", target!);
    assert.equal(head.handled.response.body, undefined);
  }
});

Deno.test("the handler identifies with what the request shows, and passes a refusal on", async () => {
  const shown: Credentials[] = [];
  const client = makeClient(makeModelRegistry(), {
    identify: (credentials) => {
      shown.push(credentials);
      if (credentials.authorization === undefined) return Promise.resolve(SOMEBODY);
      throw new OciError("UNAUTHORIZED");
    },
  });
  assert.equal((await client.send("GET", "/v2/")).status, 200);
  const answer = await client.send("GET", "/v2/", { headers: { authorization: "Basic eDp5" } });
  assertRefused(answer, 401, "UNAUTHORIZED");
  assert.equal(answer.headers["www-authenticate"], `Mutual realm="simple-registry"`);
  assert.equal(answer.headers["docker-distribution-api-version"], "registry/2.0");
  const plain = {
    peerAddress: "192.0.2.1",
    forwardedFor: [],
    authorization: undefined,
    secure: false,
    certificateChain: undefined,
  };
  assert.deepEqual(shown, [plain, { ...plain, authorization: "Basic eDp5" }]);
});

Deno.test("every operation is authorized before anything is looked up, and the reason is passed on", async () => {
  const registry = makeModelRegistry();
  registry.refuse = () => "not on a Sunday";
  const closed = new Proxy({}, { get: () => () => assert.fail("a look-up before permission") });
  const client = makeClient({ ...registry, metadata: closed as never, blobs: closed as never });
  const digest = digestOf("x");
  const session = "/v2/app/blobs/uploads/01234567-89ab-4def-8123-456789abcdef";
  const requests: [method: string, target: string, action: string][] = [
    ["GET", "/v2/", "get-api-version"],
    ["GET", "/v2/_catalog", "list-catalog"],
    ["GET", "/v2/app/tags/list", "list-tags"],
    ["GET", `/v2/app/referrers/${digest}`, "get-referrers"],
    ["GET", "/v2/app/manifests/latest", "get-manifest"],
    ["PUT", "/v2/app/manifests/latest", "put-manifest"],
    ["DELETE", "/v2/app/manifests/latest", "delete-manifest"],
    ["GET", `/v2/app/blobs/${digest}`, "get-blob"],
    ["DELETE", `/v2/app/blobs/${digest}`, "delete-blob"],
    ["POST", "/v2/app/blobs/uploads/", "start-upload"],
    ["POST", `/v2/app/blobs/uploads/?digest=${digest}`, "start-upload"],
    ["POST", `/v2/app/blobs/uploads/?mount=${digest}&from=b`, "mount-blob"],
    ["GET", session, "get-upload"],
    ["PATCH", session, "update-upload"],
    ["PUT", `${session}?digest=${digest}`, "complete-upload"],
    ["DELETE", session, "cancel-upload"],
  ];
  for (const [method, target, action] of requests) {
    registry.asked.length = 0;
    const answer = await client.send(method, target, { body: "x" });
    // A 403 on /v2/ would hide the reason from podman and skopeo.
    assertRefused(answer, action === "get-api-version" ? 401 : 403, "DENIED");
    assert.equal(answer.json.errors[0].message, "Access denied: not on a Sunday");
    assert.equal(answer.taken, 0);
    assert.equal(registry.asked[0]!.action, action);
    assert.equal(answer.handled.action, action);
  }
});

Deno.test("HEAD of a blob that may not be read is answered as if it were not there", async () => {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  const blob = makeBlob();
  await pushBlob(client, "app", blob);
  registry.refuse = () => "not yours";
  const refused = await client.send("HEAD", `/v2/app/blobs/${blob.digest}`);
  registry.refuse = () => undefined;
  const absent = await client.send("HEAD", `/v2/app/blobs/${makeBlob().digest}`);
  assert.equal(refused.status, 404);
  assert.deepEqual(refused.headers, absent.headers);
});

Deno.test("health is open to everybody", async () => {
  const registry = makeModelRegistry();
  registry.refuse = () => "nobody";
  const client = makeClient(registry, { identify: () => assert.fail("identified") });
  const health = await client.send("GET", "/healthz");
  assert.deepEqual([health.status, health.json, health.handled.action], [200, { status: "ok" }, "healthz"]);
  const ready = await client.send("GET", "/readyz");
  assert.deepEqual([ready.status, ready.json, ready.handled.action], [200, { status: "ready" }, "readyz"]);
  assert.equal((await client.send("HEAD", "/readyz")).headers["content-length"], String(ready.body.length));
});

Deno.test("readyz says that the store is not ready, and why only to the log", async () => {
  const registry = makeModelRegistry();
  const fault = new Error("disk I/O error in /secret/path");
  registry.metadata.checkReady = () => Promise.reject(fault);
  const answer = await makeClient(registry).send("GET", "/readyz");
  assert.deepEqual([answer.status, answer.json], [503, { status: "not_ready" }]);
  assert.deepEqual(registry.lines.map(({ level, fields }) => [level, fields!["error"]]), [["error", fault]]);
});

Deno.test("a fault inside is answered with the request id and nothing else, and handed to the log", async () => {
  const registry = makeModelRegistry();
  const fault = new Error("SQLITE_IOERR at /secret/path");
  registry.metadata.findManifest = () => Promise.reject(fault);
  const answer = await makeClient(registry).send("GET", "/v2/app/manifests/latest");
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json, {
    errors: [{ code: "INTERNAL_ERROR", message: "internal error", detail: { request_id: "request-1" } }],
  });
  assert.equal(answer.handled.fault, fault);
  assert.equal(answer.handled.action, "get-manifest");
});

Deno.test("an error of the registry's own from 500 on keeps its code and headers and loses its words", async () => {
  const registry = makeModelRegistry();
  const fault = new OciError("UNAVAILABLE", {
    message: "the writer on /secret/path is stuck",
    detail: { path: "/secret" },
    headers: { "retry-after": "1" },
  });
  registry.metadata.findManifest = () => Promise.reject(fault);
  const answer = await makeClient(registry).send("GET", "/v2/app/manifests/latest");
  assertRefused(answer, 503, "UNAVAILABLE");
  assert.ok(!answer.text.includes("secret"));
  assert.equal(answer.headers["retry-after"], "1");
  assert.equal(answer.handled.fault, fault);
});

Deno.test("no room is answered with 507", async () => {
  const registry = makeModelRegistry();
  registry.blobs.requireRoom = () => Promise.reject(new OciError("INSUFFICIENT_STORAGE"));
  const client = makeClient(registry);
  assertRefused(await client.send("POST", "/v2/app/blobs/uploads/"), 507, "INSUFFICIENT_STORAGE");
  assert.equal(registry.metadata.uploads.size, 0);
});

Deno.test("the handler never throws, whatever it meets", async () => {
  const registry = makeModelRegistry();
  registry.metadata.findManifest = () => {
    // deno-lint-ignore no-throw-literal -- the point of the test
    throw "a string";
  };
  const answer = await makeClient(registry).send("GET", "/v2/app/manifests/latest");
  assert.deepEqual([answer.status, answer.handled.fault], [500, "a string"]);
});

Deno.test("two requests at once do not disturb each other", async () => {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  const images = await Promise.all(["a", "b", "c"].map((name) => pushImage(client, name, "latest")));
  const { handle } = client;
  const answers = await Promise.all(
    ["a", "b", "c"].map(async (name) =>
      collect(await handle(makeRequest("GET", `/v2/${name}/manifests/latest`).request))
    ),
  );
  for (const [i, { manifest }] of images.entries()) assert.deepEqual(answers[i]!.body, manifest.bytes);
});
