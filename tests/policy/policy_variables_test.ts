/** The variables of access rules: what each operation and identity fills. */
import assert from "node:assert/strict";
import type { Operation } from "../../src/core/operation.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { listVariables } from "../../src/policy/list_variables.ts";
import { makeVariables } from "../../src/policy/policy_variables.ts";
import { ADMIN, ANONYMOUS, CATALOG, DIGEST, pull, push, VERSION, withCertificate } from "./policy_samples.ts";

const repository = parseRepositoryName("prod/app");

/** The variables of the request that are not empty. */
function requestOf(operation: Operation): Record<string, unknown> {
  const { hasRepositoryPolicy: _, ...request } = makeVariables(ANONYMOUS, operation).request;
  const filled = Object.entries(request).filter(([, value]) => {
    return Array.isArray(value) ? value.length > 0 : value !== "" && value !== 0n;
  });
  return Object.fromEntries(filled);
}

Deno.test("makeVariables() fills what the operation has and leaves the rest empty", () => {
  const named = { namespace: "prod/app", repository: "prod/app" };
  const sessionId = makeUploadSessionId();
  const rows: [Operation, Record<string, unknown>][] = [
    [VERSION, {}],
    [CATALOG, {}],
    [{ action: "list-tags", repository }, named],
    [pull("prod/app", "v1"), { ...named, reference: "v1" }],
    [pull("prod/app", DIGEST), { ...named, reference: DIGEST, digest: DIGEST }],
    [push("prod/app", "v1", ["v1", "latest"]), { ...named, reference: "v1", tags: ["v1", "latest"] }],
    [push("prod/app", DIGEST, ["v2"]), { ...named, reference: DIGEST, digest: DIGEST, tags: ["v2"] }],
    [{ action: "get-blob", repository, digest: DIGEST }, { ...named, digest: DIGEST }],
    [{ action: "start-upload", repository }, named],
    [{ action: "start-upload", repository, digest: DIGEST }, { ...named, digest: DIGEST }],
    [
      { action: "mount-blob", repository, digest: DIGEST, from: parseRepositoryName("dev/app") },
      { ...named, digest: DIGEST, from: "dev/app" },
    ],
    [{ action: "update-upload", repository, sessionId }, { ...named, session_id: sessionId }],
    [
      { action: "complete-upload", repository, sessionId, digest: DIGEST },
      { ...named, session_id: sessionId, digest: DIGEST },
    ],
    [{ action: "get-referrers", repository, digest: DIGEST }, { ...named, digest: DIGEST }],
  ];
  for (const [operation, expected] of rows) {
    assert.deepEqual(requestOf(operation), { action: operation.action, ...expected });
  }
});

Deno.test("makeVariables() takes the identity over, and nothing of a certificate that is not there", () => {
  const { identity } = makeVariables(ANONYMOUS, VERSION);
  assert.equal(identity.username, "");
  assert.equal(identity.id, "");
  assert.equal(identity.client_ip, "192.0.2.7");
  assert.deepEqual(identity.certificate.common_names, []);
  assert.equal(identity.certificate.fingerprint, "");
  assert.equal(identity.certificate.not_after.getTime(), 0);
  const certified = makeVariables(
    withCertificate({ dnsNames: ["a.example"], uris: ["spiffe://x/y"] }),
    VERSION,
  );
  assert.deepEqual(certified.identity.certificate.dns_names, ["a.example"]);
  assert.deepEqual(certified.identity.certificate.uris, ["spiffe://x/y"]);
  assert.deepEqual(certified.identity.certificate.issuer_common_names, ["Test CA"]);
  assert.equal(certified.identity.certificate.serial, "1a2b");
});

Deno.test("listVariables() shows every variable as a rule would write it", () => {
  const identity = { ...withCertificate({ commonNames: ["o'neil", 'a"b\n'] }), username: ADMIN.username };
  const shown = new Map(listVariables(makeVariables(identity, push("prod/app", "v1"), true)));
  assert.equal(shown.get("identity.username"), "'admin'");
  assert.equal(shown.get("identity.certificate.common_names"), `['o\\'neil', 'a"b\\n']`);
  assert.equal(shown.get("identity.certificate.not_after"), "timestamp('2031-01-01T00:00:00.000Z')");
  assert.equal(shown.get("request.tags"), "['v1']");
  assert.equal(shown.get("request.digest"), "''");
  assert.equal(shown.get("request.n"), "0");
  assert.equal(shown.get("has_repository_policy()"), "true");
  assert.equal(shown.size, 3 + 10 + 12 + 1);
});
