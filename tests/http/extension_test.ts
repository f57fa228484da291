/** The extension API: what is in the registry, filtered by what the caller may see. */
import assert from "node:assert/strict";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import { PullCounter } from "../../src/registry/pull_counter.ts";
import { anonymousIdentity } from "../../src/core/identity.ts";
import type { Operation } from "../../src/core/operation.ts";
import { makeRealRegistry } from "../model/real_stores.ts";
import {
  assertRefused,
  descriptorOf,
  makeBlob,
  makeIndex,
  pushBlob,
  pushImage,
  putManifest,
  startSession,
} from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

interface Trial extends AsyncDisposable {
  readonly client: Client;
  readonly pulls: PullCounter;
  /** The reason to refuse an operation. */
  refuse: (operation: Operation) => boolean;
}

async function makeTrial(): Promise<Trial> {
  const real = await makeRealRegistry();
  const pulls = new PullCounter(real.registry.metadata, real.registry.log);
  const trial: Trial = {
    client: makeClient({
      ...real.registry,
      pulls,
      rulesOf: (name) => ({ ...NO_RULES, quota: name === "team/app" ? { bytes: 1000 } : {} }),
      authorization: {
        decide: (_, operation) =>
          Promise.resolve({ allowed: !trial.refuse(operation), reason: "not for you" }),
      },
    }),
    pulls,
    refuse: () => false,
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  };
  return trial;
}

Deno.test("repositories come with counts, bytes and quota, page by page, and only those that the caller may see", async () => {
  await using trial = await makeTrial();
  const { client } = trial;
  const { manifest } = await pushImage(client, "team/app", "v1");
  await putManifest(client, "team/app", "v2", manifest);
  for (const name of ["team", "team-2/app", "secret"]) await pushBlob(client, name, makeBlob(10));
  trial.refuse = (operation) => "repository" in operation && operation.repository === "secret";
  const all = await client.send("GET", "/v2/_ext/_repositories");
  assert.deepEqual(all.json, {
    repositories: [
      { name: "team", tag_count: 0, manifest_count: 0, blob_count: 1, size: 10 },
      { name: "team-2/app", tag_count: 0, manifest_count: 0, blob_count: 1, size: 10 },
      {
        name: "team/app",
        tag_count: 2,
        manifest_count: 1,
        blob_count: 2,
        size: 200 + manifest.bytes.length,
        quota_bytes: 1000,
      },
    ],
  });
  const first = await client.send("GET", "/v2/_ext/_repositories?n=2");
  assert.equal(first.json.next, "team-2/app");
  assert.equal(first.headers["link"], '</v2/_ext/_repositories?n=2&last=team-2%2Fapp>; rel="next"');
  const second = await client.send("GET", "/v2/_ext/_repositories?n=2&last=team-2/app");
  assert.deepEqual(second.json.repositories.map(({ name }: { name: string }) => name), ["team/app"]);
  assert.equal(second.json.next, undefined);
  for (const path of ["/v2/_ext/team/_namespaces", "/v2/_angos/namespaces/list?repository=team"]) {
    const below = await client.send("GET", path);
    assert.equal(below.json.repository, "team");
    assert.deepEqual(below.json.namespaces.map(({ name }: { name: string }) => name), ["team", "team/app"]);
  }
  assert.deepEqual((await client.send("GET", "/v2/_angos/repositories/list")).json, all.json);
});

Deno.test("manifests come with tags, parents and their platforms, referrers, and times of pushes and pulls", async () => {
  await using trial = await makeTrial();
  const { client } = trial;
  const { manifest: child } = await pushImage(client, "app", "amd64");
  const platform = { os: "linux", architecture: "amd64", variant: "v3" };
  const index = makeIndex([], { manifests: [{ ...descriptorOf(child, child.mediaType), platform }] });
  await putManifest(client, "app", "v1", index);
  const { manifest: signature } = await pushImage(client, "app", "sig", {
    subject: descriptorOf(child, child.mediaType),
    artifactType: "application/signature",
    annotations: { by: "anna" },
  });
  await client.send("GET", "/v2/app/manifests/amd64");
  await trial.pulls.flush();
  const answer = await client.send("GET", "/v2/_ext/app/_revisions");
  const byDigest = new Map(answer.json.manifests.map((each: { digest: string }) => [each.digest, each]));
  assert.equal(byDigest.size, 3);
  const at = "2023-11-14T22:13:20.000Z";
  assert.deepEqual(byDigest.get(child.digest), {
    digest: child.digest,
    media_type: child.mediaType,
    artifact_type: "application/vnd.oci.image.config.v1+json",
    size: child.bytes.length,
    tags: ["amd64"],
    parents: [{ digest: index.digest, tags: ["v1"], platform }],
    referrers: [{
      digest: signature.digest,
      artifactType: "application/signature",
      annotations: { by: "anna" },
    }],
    pushed_at: at,
    last_pulled_at: at,
    pull_count: 1,
  });
  assert.deepEqual((await client.send("GET", "/v2/app/_angos/revisions/list")).json, answer.json);
  const page = await client.send("GET", "/v2/_ext/app/_revisions?n=2");
  const rest = await client.send("GET", `/v2/_ext/app/_revisions?n=2&last=${page.json.next}`);
  assert.deepEqual([...page.json.manifests, ...rest.json.manifests], answer.json.manifests);
  assert.equal(rest.json.next, undefined);
  assertRefused(await client.send("GET", "/v2/_ext/nothing/_revisions"), 404, "NAME_UNKNOWN");
});

Deno.test("pulls name the client and the tag, and uploads under way their size and start", async () => {
  await using trial = await makeTrial();
  const { client } = trial;
  const { manifest } = await pushImage(client, "app", "v1");
  for (const reference of ["v1", "v1", manifest.digest]) {
    await client.send("GET", `/v2/app/manifests/${reference}`);
  }
  await trial.pulls.flush();
  const at = "2023-11-14T22:13:20.000Z";
  const byTag = await client.send("GET", "/v2/_ext/app/_pulls?tag=v1");
  assert.deepEqual(byTag.json, {
    target: "v1",
    window_secs: 30 * 86_400,
    entries: [{ client: "somebody", at, tag: "v1", digest: manifest.digest }],
  });
  const byDigest = await client.send("GET", `/v2/app/_angos/pulls/list?digest=${manifest.digest}`);
  assert.deepEqual(byDigest.json.entries.map(({ tag }: { tag?: string }) => tag).sort(), ["v1", undefined]);
  assertRefused(await client.send("GET", "/v2/_ext/app/_pulls"), 400, "REQUEST_INVALID");

  const session = await startSession(client, "app");
  await client.send("PATCH", session, { body: makeBlob(1234).bytes });
  await startSession(client, "other");
  const id = session.slice(session.lastIndexOf("/") + 1);
  assert.deepEqual((await client.send("GET", "/v2/_ext/app/_uploads")).json, {
    name: "app",
    uploads: [{ session_id: id, uuid: id, size: 1234, started_at: at }],
  });
});

Deno.test("the history of a tag is listed, and a move taken back", async () => {
  await using trial = await makeTrial();
  const { client } = trial;
  const { manifest: one } = await pushImage(client, "app", "v1");
  const { manifest: two } = await pushImage(client, "app", "v1");
  const history = await client.send("GET", "/v2/_ext/app/_tags/v1/history");
  const at = "2023-11-14T22:13:20.000Z";
  assert.deepEqual(history.json, {
    name: "app",
    tag: "v1",
    current: two.digest,
    changes: [
      { at, digest: two.digest, previous: one.digest, restorable: true },
      { at, digest: one.digest, previous: null, restorable: false },
    ],
  });
  const page = await client.send("GET", "/v2/_ext/app/_tags/v1/history?n=1");
  const rest = await client.send("GET", `/v2/_ext/app/_tags/v1/history?n=1&last=${page.json.next}`);
  assert.deepEqual([...page.json.changes, ...rest.json.changes], history.json.changes);
  const restored = await client.send("POST", `/v2/_ext/app/_tags/v1/restore?digest=${one.digest}`);
  assert.deepEqual(restored.json, { name: "app", tag: "v1", digest: one.digest, previous: two.digest });
  assert.equal(
    (await client.send("GET", "/v2/app/manifests/v1")).headers["docker-content-digest"],
    one.digest,
  );
  const refused = await client.send("POST", `/v2/_ext/app/_tags/v1/restore?digest=sha256:${"0".repeat(64)}`);
  assertRefused(refused, 404, "MANIFEST_UNKNOWN");
});

for (
  const [method, path, action] of [
    ["GET", "/v2/_ext/_repositories", "list-repositories"],
    ["GET", "/v2/_ext/a/b/_namespaces", "list-namespaces"],
    ["GET", "/v2/_ext/a/b/_revisions", "list-revisions"],
    ["GET", "/v2/_ext/a/b/_uploads", "list-uploads"],
    ["GET", "/v2/_ext/a/b/_pulls?tag=v1", "list-pulls"],
    ["GET", "/v2/_ext/a/b/_tags/v1/history", "list-tag-history"],
    ["POST", `/v2/_ext/a/b/_tags/v1/restore?digest=sha256:${"0".repeat(64)}`, "restore-tag"],
  ] as const
) {
  Deno.test(`${method} ${path.split("?")[0]} is the action ${action}, refused before anything is looked up`, async () => {
    await using trial = await makeTrial();
    let asked: Operation | undefined;
    trial.refuse = (operation) => (asked = operation).action === action;
    assertRefused(await trial.client.send(method, path), 403, "DENIED");
    assert.equal(asked?.action, action);
    assert.equal(
      "repository" in asked! ? asked.repository : undefined,
      action === "list-repositories" ? undefined : "a/b",
    );
    const wrong = await trial.client.send(method === "GET" ? "DELETE" : "GET", path);
    assertRefused(wrong, 405, "UNSUPPORTED");
  });
}

for (
  const [path, status] of [
    ["/v2/_ext/", 404],
    ["/v2/_ext/app/_nothing", 404],
    ["/v2/_ext/_revisions", 404],
    ["/v2/_ext/UPPER/_revisions", 400],
    ["/v2/_ext/a/../b/_revisions", 400],
    ["/v2/_ext/a%2fb/_revisions", 400],
    ["/v2/_ext/app/_tags/.bad/history", 400],
    ["/v2/_ext/app/_tags/v1/history?last=x", 400],
    ["/v2/_ext/_repositories?n=-1", 400],
    ["/v2/_angos/namespaces/list", 400],
  ] as const
) {
  Deno.test(`GET ${path} is answered with ${status}`, async () => {
    await using trial = await makeTrial();
    assert.equal((await trial.client.send("GET", path)).status, status);
  });
}

Deno.test("an anonymous caller who may not list is asked to log in, as everywhere", async () => {
  await using real = await makeRealRegistry();
  const authorization = { decide: () => Promise.resolve({ allowed: false, reason: "no" }) };
  const client = makeClient({ ...real.registry, authorization }, {
    identify: ({ peerAddress }) => Promise.resolve(anonymousIdentity(peerAddress)),
  });
  assertRefused(await client.send("GET", "/v2/_ext/_repositories"), 401, "UNAUTHORIZED");
});
