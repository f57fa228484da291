/** Permission and audit, through the handler. */
import assert from "node:assert/strict";
import { anonymousIdentity, type CertificateFacts, type Identity } from "../../src/core/identity.ts";
import type { LogFields } from "../../src/ports/log.ts";
import { JsonLog } from "../../src/server/json_log.ts";
import {
  assertRefused,
  makeBlob,
  makeManifest,
  pushBlob,
  pushImage,
  putManifest,
  startSession,
} from "../http/content.ts";
import { type Client, makeClient, type RequestOptions } from "../http/request_builder.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";

const FACTS: CertificateFacts = {
  commonNames: ["alice\nCN=admin"],
  organizations: ["ops"],
  organizationalUnits: ["unit"],
  dnsNames: [],
  emails: [],
  uris: [],
  serial: "1a",
  fingerprint: "ff".repeat(32),
  issuerCommonNames: ["Root"],
  notAfter: 1,
};

function setUp(identity: Partial<Identity> = {}) {
  const registry = makeModelRegistry();
  const client = makeClient(registry, {
    identify: ({ peerAddress }) => Promise.resolve({ ...anonymousIdentity(peerAddress), ...identity }),
  });
  return { registry, client };
}

function auditsOf({ lines }: ModelRegistry): LogFields[] {
  return lines.filter(({ message }) => message === "audit").map(({ level, fields }) => {
    assert.equal(level, "info");
    return fields!;
  });
}

/** Sends a request and gives what the audit says of it. */
async function audited(
  registry: ModelRegistry,
  client: Client,
  method: string,
  target: string,
  options?: RequestOptions,
): Promise<LogFields[]> {
  registry.lines.length = 0;
  await client.send(method, target, options);
  return auditsOf(registry);
}

Deno.test("every write that is allowed is in the audit once, and no read is", async () => {
  const { registry, client } = setUp();
  const { manifest, config, layer } = await pushImage(client, "app", "v1");
  const session = await startSession(client, "app");
  const other = makeBlob();
  const loose = makeBlob();
  await pushBlob(client, "app", loose);
  const writes: [method: string, target: string, action: string, options?: RequestOptions][] = [
    ["POST", "/v2/app/blobs/uploads/", "start-upload"],
    ["POST", `/v2/app/blobs/uploads/?digest=${other.digest}`, "start-upload", { body: other.bytes }],
    ["POST", `/v2/b/blobs/uploads/?mount=${layer.digest}&from=app`, "mount-blob"],
    ["PATCH", session, "update-upload", { body: "x" }],
    ["DELETE", session, "cancel-upload"],
    ["PUT", "/v2/app/manifests/v2", "put-manifest", {
      headers: { "content-type": manifest.mediaType },
      body: manifest.bytes,
    }],
    ["DELETE", "/v2/app/manifests/v2", "delete-manifest"],
    ["DELETE", `/v2/app/blobs/${loose.digest}`, "delete-blob"],
  ];
  for (const [method, target, action, options] of writes) {
    const lines = await audited(registry, client, method, target, options);
    assert.deepEqual(lines.map((line) => [line["verdict"], line["action"]]), [["allowed", action]], target);
  }
  const again = await startSession(client, "app");
  const finished = await audited(registry, client, "PUT", `${again}?digest=${other.digest}`, {
    body: other.bytes,
  });
  assert.deepEqual(finished.map(({ action, session_id }) => [action, session_id]), [
    ["complete-upload", again.slice(again.lastIndexOf("/") + 1)],
  ]);
  const reads = [
    ...[
      "/v2/",
      "/v2/_catalog",
      "/v2/app/tags/list",
      "/v2/app/manifests/v1",
      `/v2/app/blobs/${config.digest}`,
    ],
    ...[`/v2/app/referrers/${manifest.digest}`, await startSession(client, "app"), "/healthz", "/readyz"],
  ];
  for (const target of reads) {
    for (const method of ["GET", "HEAD"]) {
      assert.deepEqual(await audited(registry, client, method, target), []);
    }
  }
});

Deno.test("every denial is in the audit once, whatever the client gets to see of it", async () => {
  const { registry, client } = setUp();
  const blob = makeBlob();
  await pushBlob(client, "app", blob);
  const session = await startSession(client, "app");
  registry.refuse = () => "not on a Sunday";
  const requests: [method: string, target: string][] = [
    ["GET", "/v2/"],
    ["GET", "/v2/_catalog"],
    ["GET", "/v2/app/tags/list"],
    ["GET", `/v2/app/referrers/${blob.digest}`],
    ["GET", "/v2/app/manifests/v1"],
    ["HEAD", "/v2/app/manifests/v1"],
    ["PUT", "/v2/app/manifests/v1"],
    ["DELETE", "/v2/app/manifests/v1"],
    ["GET", `/v2/app/blobs/${blob.digest}`],
    ["HEAD", `/v2/app/blobs/${blob.digest}`],
    ["DELETE", `/v2/app/blobs/${blob.digest}`],
    ["POST", "/v2/app/blobs/uploads/"],
    ["GET", session],
    ["PATCH", session],
    ["PUT", `${session}?digest=${blob.digest}`],
    ["DELETE", session],
  ];
  for (const [method, target] of requests) {
    const lines = await audited(registry, client, method, target, { body: "x" });
    assert.deepEqual(
      lines.map(({ verdict, reason }) => [verdict, reason]),
      [["denied", "not on a Sunday"]],
      target,
    );
  }
});

Deno.test("a refused mount goes on as an upload, with a line for each of the two decisions", async () => {
  const { registry, client } = setUp({ id: "bob", username: "bob" });
  const blob = makeBlob();
  await pushBlob(client, "other", blob);
  const mount = () => client.send("POST", `/v2/app/blobs/uploads/?mount=${blob.digest}&from=other`);
  registry.lines.length = 0;
  registry.refuse = ({ action }) => action === "mount-blob" ? "no mounts" : undefined;
  assert.equal((await mount()).status, 202);
  registry.refuse = ({ action }) =>
    action === "start-upload" || action === "mount-blob" ? "no writes" : undefined;
  assertRefused(await mount(), 403, "DENIED");
  assert.deepEqual(auditsOf(registry).map(({ verdict, action }) => [verdict, action]), [
    ["denied", "mount-blob"],
    ["allowed", "start-upload"],
    ["denied", "mount-blob"],
    ["denied", "start-upload"],
  ]);
});

Deno.test("a mount whose source may not be read is an upload, and says nothing of the source", async () => {
  const { registry, client } = setUp({ id: "bob", username: "bob" });
  const blob = makeBlob();
  await pushBlob(client, "secret", blob);
  registry.refuse = (operation) =>
    "repository" in operation && operation.repository === "secret" ? "not yours" : undefined;
  for (const { digest } of [blob, makeBlob()]) {
    const answer = await client.send("POST", `/v2/app/blobs/uploads/?mount=${digest}&from=secret`);
    assert.deepEqual([answer.status, answer.text], [202, ""]);
  }
});

Deno.test("the audit says who asked, for what, what decided, and which request it was", async () => {
  const { registry } = setUp();
  const ask = async (identity: Partial<Identity>): Promise<LogFields> => {
    registry.lines.length = 0;
    const client = makeClient({
      ...registry,
      authorization: {
        decide: () => Promise.resolve({ allowed: false, reason: "no", decidedBy: "config.toml:7" }),
      },
    }, { identify: () => Promise.resolve({ ...anonymousIdentity("203.0.113.9"), ...identity }) });
    await client.send("PUT", "/v2/app/manifests/v1");
    return auditsOf(registry)[0]!;
  };
  const common = {
    request: "request-1",
    verdict: "denied",
    action: "put-manifest",
    repository: "app",
    tags: ["v1"],
    reference: "v1",
    reason: "no",
    decided_by: "config.toml:7",
    client_ip: "203.0.113.9",
  };
  const certificate = {
    common_names: ["alice\nCN=admin"],
    organizations: ["ops"],
    serial: "1a",
    fingerprint: "ff".repeat(32),
  };
  const bob = { id: "bob-id", username: "bob" };
  assert.deepEqual(await ask({}), { ...common, method: "none" });
  assert.deepEqual(await ask(bob), { ...common, method: "user", username: "bob", identity: "bob-id" });
  assert.deepEqual(await ask({ certificate: FACTS }), { ...common, method: "certificate", certificate });
  assert.deepEqual(await ask({ ...bob, certificate: FACTS }), {
    ...common,
    method: "certificate+user",
    username: "bob",
    identity: "bob-id",
    certificate,
  });
});

Deno.test("a line of the audit is one line of JSON, whatever names hold, and holds no secret", async () => {
  const { registry } = setUp();
  const written: string[] = [];
  const audit = new JsonLog((line) => void written.push(line), "info");
  const client = makeClient({ ...registry, audit }, {
    identify: () => Promise.resolve({ ...anonymousIdentity("192.0.2.1"), certificate: FACTS }),
  });
  const secret = "c2VjcmV0OnNlY3JldA";
  await client.send("POST", `/v2/app/blobs/uploads/?access_token=${secret}`, {
    headers: { authorization: `Basic ${secret}`, cookie: secret, "user-agent": `x\n${secret}` },
  });
  assert.equal(written.length, 1);
  assert.equal(written[0]!.trimEnd().split("\n").length, 1);
  assert.deepEqual(JSON.parse(written[0]!).certificate.common_names, ["alice\nCN=admin"]);
  assert.doesNotMatch(written[0]!, new RegExp(secret));
});

Deno.test("every tag that a push moves is in the question and in the audit", async () => {
  const { registry, client } = setUp();
  const [config, layer] = [makeBlob(), makeBlob()];
  for (const blob of [config, layer]) await pushBlob(client, "app", blob);
  const manifest = makeManifest(config, [layer]);
  registry.refuse = (operation) =>
    operation.action === "put-manifest" && operation.tags.some((tag) => tag === "latest")
      ? "immutable"
      : undefined;
  registry.lines.length = 0;
  const refused = await putManifest(client, "app", `${manifest.digest}?tag=v1&tag=latest`, manifest);
  assert.equal(refused.status, 401);
  assert.deepEqual(auditsOf(registry).map(({ reference, tags }) => [reference, tags]), [
    [manifest.digest, ["v1", "latest"]],
  ]);
  assert.equal((await client.send("GET", "/v2/app/manifests/v1")).status, 404);
  assert.equal((await client.send("GET", `/v2/app/manifests/${manifest.digest}`)).status, 404);
});
