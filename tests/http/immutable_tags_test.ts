/** Immutable tags: first push, same content, other content, tag parameters, deletes. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { makeRealRegistry } from "../model/real_stores.ts";
import {
  assertRefused,
  makeBlob,
  makeIndex,
  makeManifest,
  pushBlob,
  pushImage,
  putManifest,
} from "./content.ts";
import { makeClient } from "./request_builder.ts";
import type { RepositoryRules } from "../../src/registry/repository_rules.ts";
import { NO_RULES } from "../../src/registry/repository_rules.ts";

/** All tags but `latest` are immutable. */
const RULES: RepositoryRules = {
  ...NO_RULES,
  isImmutable: (tag) => tag !== "latest",
  allowsDeletingImmutable: false,
};

function makeTrial(rules: RepositoryRules = RULES) {
  const registry = { ...makeModelRegistry(), rulesOf: () => rules };
  return { registry, client: makeClient(registry) };
}

Deno.test("an immutable tag takes its first push and the same content again, and refuses another with a sentence", async () => {
  const { client } = makeTrial();
  const { manifest, config } = await pushImage(client, "app", "v1");
  assert.equal((await putManifest(client, "app", "v1", manifest)).status, 201);
  const other = makeManifest(config);
  const refused = await putManifest(client, "app", "v1", other);
  assertRefused(refused, 409, "DENIED");
  assert.deepEqual(refused.json.errors[0], {
    code: "DENIED",
    message: `Cannot push tag "v1" of repository "app": it is immutable and names ${manifest.digest}, ` +
      `this push would make it name ${other.digest}; push under another tag`,
    detail: { tag: "v1", current: manifest.digest, pushed: other.digest },
  });
  const now = await client.send("GET", "/v2/app/manifests/v1");
  assert.equal(now.headers["docker-content-digest"], manifest.digest);
  const nothingLeft = await client.send("GET", `/v2/app/manifests/${other.digest}`);
  assert.equal(nothingLeft.status, 404);
});

Deno.test("a push that names tags by parameter is refused as a whole when one of them would move", async () => {
  const { client } = makeTrial();
  const { manifest, config } = await pushImage(client, "app", "v1");
  const other = makeManifest(config);
  const refused = await putManifest(client, "app", `${other.digest}?tag=v2&tag=v1&tag=latest`, other);
  assertRefused(refused, 409, "DENIED");
  assert.equal(refused.json.errors[0].detail.tag, "v1");
  assert.deepEqual((await client.send("GET", "/v2/app/tags/list")).json.tags, ["v1"]);
  const again = await putManifest(client, "app", `${manifest.digest}?tag=v2&tag=v1&tag=latest`, manifest);
  assert.equal(again.status, 201);
});

Deno.test("an excluded tag moves", async () => {
  const { client } = makeTrial();
  const { config } = await pushImage(client, "app", "latest");
  assert.equal((await putManifest(client, "app", "latest", makeManifest(config))).status, 201);
});

Deno.test("an immutable tag is not deleted, nor the manifest that it names; others are", async () => {
  const { client } = makeTrial();
  const { manifest } = await pushImage(client, "app", "v1");
  await putManifest(client, "app", "latest", manifest);
  for (const reference of ["v1", manifest.digest]) {
    const refused = await client.send("DELETE", `/v2/app/manifests/${reference}`);
    assertRefused(refused, 409, "DENIED");
    assert.match(
      refused.json.errors[0].message,
      /tag "v1" is immutable, and allow_delete_immutable is not set$/,
    );
  }
  assert.equal((await client.send("DELETE", "/v2/app/manifests/latest")).status, 202);
  const { manifest: free } = await pushImage(client, "app", "latest");
  assert.equal((await client.send("DELETE", `/v2/app/manifests/${free.digest}`)).status, 202);
  assert.equal(
    (await client.send("DELETE", "/v2/app/manifests/v9")).status,
    404,
    "what is not there is not there",
  );
});

Deno.test("what an index under an immutable tag is made of is not deleted, however deep it lies", async () => {
  const { client } = makeTrial();
  const [deep, wide, free] = await Promise.all(
    ["", "", ""].map(async () => (await pushImage(client, "app", "latest")).manifest),
  );
  const inner = makeIndex([deep!], { annotations: { is: "inner" } });
  const outer = makeIndex([inner, wide!], { annotations: { is: "outer" } });
  const other = makeIndex([free!]);
  for (const index of [inner, outer, other]) await putManifest(client, "app", index.digest, index);
  await putManifest(client, "app", "v1", outer);
  await putManifest(client, "app", "latest", other);
  for (const { digest } of [deep!, wide!, inner, outer]) {
    const refused = await client.send("DELETE", `/v2/app/manifests/${digest}`);
    assertRefused(refused, 409, "DENIED");
    assert.match(refused.json.errors[0].message, /Cannot delete manifest .* tag "v1" is immutable/);
  }
  assert.equal((await client.send("DELETE", `/v2/app/manifests/${free!.digest}`)).status, 202);
});

Deno.test("a manifest that lies in more indexes than are looked at is kept, and the answer says why", async () => {
  const { client } = makeTrial();
  const { manifest } = await pushImage(client, "app", "latest");
  for (let i = 0; i < 1001; i++) {
    const index = makeIndex([manifest], { annotations: { i: `${i}` } });
    await putManifest(client, "app", index.digest, index);
  }
  const refused = await client.send("DELETE", `/v2/app/manifests/${manifest.digest}`);
  assertRefused(refused, 409, "DENIED");
  assert.match(refused.json.errors[0].message, /more than 1000 indexes hold it/);
});

Deno.test("with allow_delete_immutable a tag is deleted, and then takes another content", async () => {
  const { client } = makeTrial({ ...RULES, allowsDeletingImmutable: true });
  const { manifest } = await pushImage(client, "app", "v1");
  assert.equal((await client.send("DELETE", "/v2/app/manifests/v1")).status, 202);
  await pushImage(client, "app", "v1");
  assert.equal((await client.send("DELETE", `/v2/app/manifests/${manifest.digest}`)).status, 202);
});

Deno.test("a tag that comes while a manifest is being deleted is seen, and keeps it", async () => {
  const { registry, client } = makeTrial();
  const { manifest } = await pushImage(client, "app", "latest");
  const list = registry.metadata.listTagsOf.bind(registry.metadata);
  registry.metadata.listTagsOf = async (...args) => {
    const tags = await list(...args);
    registry.metadata.listTagsOf = list;
    await putManifest(client, "app", "v1", manifest);
    return tags;
  };
  assertRefused(await client.send("DELETE", `/v2/app/manifests/${manifest.digest}`), 409, "DENIED");
  assert.equal((await client.send("GET", "/v2/app/manifests/v1")).status, 200);
});

Deno.test("of many pushes that race for one immutable tag exactly one content wins", async () => {
  await using real = await makeRealRegistry();
  const client = makeClient({ ...real.registry, rulesOf: () => RULES });
  const config = makeBlob();
  await pushBlob(client, "app", config);
  const manifests = Array.from(
    { length: 20 },
    (_, n) => makeManifest(config, [], { annotations: { n: `${n}` } }),
  );
  const answers = await Promise.all(manifests.map((manifest) => putManifest(client, "app", "v1", manifest)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(19).fill(409)]);
  const winner = manifests[answers.findIndex(({ status }) => status === 201)]!;
  const now = await client.send("GET", "/v2/app/manifests/v1");
  assert.equal(now.headers["docker-content-digest"], winner.digest);
});
