import assert from "node:assert/strict";
import { describeRequest } from "../../src/auth/webhook_request.ts";
import type { Caller, RequestFacts } from "../../src/core/caller.ts";
import { parseDigest } from "../../src/core/digest.ts";
import type { CertificateFacts, Identity } from "../../src/core/identity.ts";
import { parseReference } from "../../src/core/reference.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { SOME_CALLER } from "../model/model_registry.ts";

const APP = parseRepositoryName("team/app");
const DIGEST = parseDigest(`sha256:${"0".repeat(64)}`);
const FACTS = { commonNames: ["alice"], organizations: ["ops"] } as unknown as CertificateFacts;

function callerWith(identity: Partial<Identity>, request: Partial<RequestFacts> = {}): Caller {
  return {
    identity: { ...SOME_CALLER.identity, ...identity },
    request: { ...SOME_CALLER.request, ...request },
  };
}

Deno.test("describeRequest() tells who asks for what, in the headers of the original", () => {
  const caller = callerWith({ id: "bob-id", username: "bob", certificate: FACTS, clientIp: "203.0.113.9" }, {
    method: "PUT",
    target: "/v2/team/app/manifests/v1?x=y",
    scheme: "https",
    host: "registry.example:5000",
  });
  const reference = parseReference("v1");
  assert.deepEqual(
    describeRequest([], caller, { action: "put-manifest", repository: APP, reference, tags: [] }),
    {
      "x-forwarded-method": ["PUT"],
      "x-forwarded-proto": ["https"],
      "x-forwarded-host": ["registry.example:5000"],
      "x-forwarded-uri": ["/v2/team/app/manifests/v1?x=y"],
      "x-forwarded-for": ["203.0.113.9"],
      "x-registry-action": ["put-manifest"],
      "x-registry-namespace": ["team/app"],
      "x-registry-reference": ["v1"],
      "x-registry-username": ["bob"],
      "x-registry-identity-id": ["bob-id"],
      "x-registry-certificate-cn": ["alice"],
      "x-registry-certificate-o": ["ops"],
    },
  );
});

Deno.test("describeRequest() leaves out what there is not", () => {
  assert.deepEqual(describeRequest(["x-none"], callerWith({}, { host: "" }), { action: "list-catalog" }), {
    "x-forwarded-method": ["GET"],
    "x-forwarded-proto": ["http"],
    "x-forwarded-uri": ["/"],
    "x-forwarded-for": ["192.0.2.1"],
    "x-registry-action": ["list-catalog"],
  });
  const blob = describeRequest([], callerWith({}), { action: "get-blob", repository: APP, digest: DIGEST });
  assert.deepEqual([blob["x-registry-digest"], blob["x-registry-reference"]], [[DIGEST], undefined]);
});

Deno.test("describeRequest() gives each name a field of its own, in UTF-8", () => {
  const certificate = {
    ...FACTS,
    commonNames: ["alice, admin", "b\u00f6b \u{1f511}"],
    organizations: ["", "x"],
  };
  const headers = describeRequest([], callerWith({ certificate }), { action: "list-catalog" });
  const decode = (value: string) => new TextDecoder().decode(Uint8Array.from(value, (c) => c.charCodeAt(0)));
  assert.deepEqual(headers["x-registry-certificate-cn"]!.map(decode), ["alice, admin", "b\u00f6b \u{1f511}"]);
  assert.deepEqual(headers["x-registry-certificate-o"], ["x"]);
});

Deno.test("describeRequest() forwards the headers that are asked for, byte for byte, and none of its own", () => {
  const sent = new Map([
    ["x-request-id", ["1", "2"]],
    ["x-utf8", ["\u00c3\u00a9"]],
    ["x-registry-username", ["admin"]],
    ["x-registry-oidc-subject", ["admin"]],
    ["x-registry-namespace", ["public"]],
    ["x-forwarded-for", ["127.0.0.1"]],
    ["x-forwarded-user", ["admin"]],
    ["constructor", ["c"]],
    ["__proto__", ["p"]],
  ]);
  const caller = callerWith({}, { headerValues: (name) => sent.get(name) ?? ["not asked for"] });
  const own = Object.entries(describeRequest([], caller, { action: "list-catalog" }));
  const all = Object.entries(describeRequest([...sent.keys()], caller, { action: "list-catalog" }));
  assert.deepEqual(all, [
    ...own,
    ["x-request-id", ["1", "2"]],
    ["x-utf8", ["\u00c3\u00a9"]],
    ["constructor", ["c"]],
    ["__proto__", ["p"]],
  ]);
});

Deno.test("describeRequest() refuses a value that no header can carry, instead of changing it", () => {
  for (const value of ["ad\0min", "ad\nmin", "ad\rmin", "ad\x1bmin", "ad\x7fmin"]) {
    const inHeader = callerWith({}, { headerValues: () => [value] });
    for (const caller of [callerWith({ username: value }), inHeader]) {
      assert.throws(
        () => describeRequest(["x-any"], caller, { action: "list-catalog" }),
        /control character/,
      );
    }
  }
});
