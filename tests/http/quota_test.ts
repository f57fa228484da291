/** Quotas: what is refused, with which words, before how many bytes, and that nothing stays of it. */
import assert from "node:assert/strict";
import type { Quota } from "../../src/ports/metadata_store.ts";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import { makeRealRegistry, type RealRegistry } from "../model/real_stores.ts";
import { assertRefused, makeBlob, makeManifest, pushBlob, putManifest, startSession } from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

interface Trial extends AsyncDisposable {
  readonly real: RealRegistry;
  readonly client: Client;
}

async function makeTrial(quota: Quota): Promise<Trial> {
  const real = await makeRealRegistry();
  const registry = { ...real.registry, rulesOf: () => ({ ...NO_RULES, quota }) };
  return { real, client: makeClient(registry), [Symbol.asyncDispose]: () => real[Symbol.asyncDispose]() };
}

const UPLOADS = "/v2/app/blobs/uploads/";

Deno.test("a blob in one request that does not fit is refused unread, with used, limit and what to do", async () => {
  await using trial = await makeTrial({ bytes: 1000 });
  await pushBlob(trial.client, "app", makeBlob(900));
  const blob = makeBlob(101);
  const refused = await trial.client.send("POST", `${UPLOADS}?digest=${blob.digest}`, { body: blob.bytes });
  assertRefused(refused, 403, "DENIED");
  assert.deepEqual(refused.json.errors[0], {
    code: "DENIED",
    message:
      'Cannot push to repository "app": 900 bytes of its quota of 1000 bytes are used, and this needs 101 bytes; ' +
      "delete what is no longer needed, or ask for a larger quota_bytes",
    detail: { repository: "app", quota: "quota_bytes", used: 900, adds: 101, limit: 1000 },
  });
  assert.equal(refused.taken, 0);
  await pushBlob(trial.client, "app", makeBlob(100));
  assert.equal((await trial.client.send("POST", UPLOADS)).status, 403, "nothing more fits");
  assert.deepEqual(trial.real.listFiles().uploads, []);
});

Deno.test("one blob larger than the whole quota is refused with 413", async () => {
  await using trial = await makeTrial({ bytes: 1000 });
  const blob = makeBlob(1001);
  const refused = await trial.client.send("POST", `${UPLOADS}?digest=${blob.digest}`, { body: blob.bytes });
  assertRefused(refused, 413, "DENIED");
  assert.match(
    refused.json.errors[0].message,
    /^Cannot push 1001 bytes to repository "app": its whole quota is 1000 bytes$/,
  );
});

for (
  const [how, options, most] of [
    ["with Content-Range", { headers: { "content-range": "0-2999" } }, 0],
    ["with Content-Length", {}, 0],
    ["without a length", { chunked: true }, 2000],
  ] as const
) {
  Deno.test(`a piece ${how} that does not fit is refused after ${most} bytes at most, and ends the session`, async () => {
    await using trial = await makeTrial({ bytes: 1000 });
    const session = await startSession(trial.client, "app");
    const refused = await trial.client.send("PATCH", session, { ...options, body: makeBlob(3000).bytes });
    assertRefused(refused, how === "without a length" ? 413 : 413, "DENIED");
    assert.ok(refused.taken <= most, String(refused.taken));
    assert.equal((await trial.client.send("GET", session)).status, 404);
    assert.deepEqual(trial.real.listFiles(), { blobs: [], uploads: [] });
  });
}

Deno.test("parallel uploads that fit one by one do not pass the quota together, and leave no files", async () => {
  await using trial = await makeTrial({ bytes: 1000 });
  const blobs = Array.from({ length: 8 }, () => makeBlob(300));
  const sessions = await Promise.all(blobs.map(() => startSession(trial.client, "app")));
  await Promise.all(
    sessions.map((session, i) => trial.client.send("PATCH", session, { body: blobs[i]!.bytes })),
  );
  const answers = await Promise.all(
    sessions.map((session, i) => trial.client.send("PUT", `${session}?digest=${blobs[i]!.digest}`)),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 201, 403, 403, 403, 403, 403]);
  const { blobs: files, uploads } = trial.real.listFiles();
  assert.deepEqual([files.length, uploads.length], [3, 0]);
});

Deno.test("the transaction decides: an upload that was measured before others filled the quota is taken back", async () => {
  await using trial = await makeTrial({ bytes: 1000 });
  const { registry } = trial.real;
  const read = registry.metadata.readUsage.bind(registry.metadata);
  const [one, two] = [makeBlob(600), makeBlob(600)];
  await pushBlob(trial.client, "app", one);
  registry.metadata.readUsage = async (name) => ({ ...await read(name), blobBytes: 0 });
  const refused = await trial.client.send("POST", `${UPLOADS}?digest=${two.digest}`, { body: two.bytes });
  assertRefused(refused, 403, "DENIED");
  assert.equal(refused.taken, 600);
  const { blobs: files, uploads } = trial.real.listFiles();
  assert.deepEqual([files.length, uploads.length], [1, 0]);
});

Deno.test("a mounted blob counts, and one that is held already does not count again", async () => {
  await using trial = await makeTrial({ bytes: 1000 });
  const [large, small] = [makeBlob(800), makeBlob(300)];
  await pushBlob(trial.client, "lib", large);
  await pushBlob(trial.client, "app", small);
  const refused = await trial.client.send("POST", `${UPLOADS}?mount=${large.digest}&from=lib`);
  assertRefused(refused, 403, "DENIED");
  await pushBlob(trial.client, "lib", makeBlob(200));
  await pushBlob(trial.client, "lib", large);
  const again = await trial.client.send("POST", `/v2/lib/blobs/uploads/?mount=${large.digest}`);
  assert.equal(again.status, 201);
});

Deno.test("manifests and tags are counted: what is there already may be pushed again, new ones are refused", async () => {
  await using trial = await makeTrial({ manifests: 2, tags: 3 });
  const config = makeBlob();
  await pushBlob(trial.client, "app", config);
  const [one, two, three] = [1, 2, 3].map((n) =>
    makeManifest(config, [], { annotations: { n: `${n}` } })
  ) as [
    ReturnType<typeof makeManifest>,
    ReturnType<typeof makeManifest>,
    ReturnType<typeof makeManifest>,
  ];
  assert.equal((await putManifest(trial.client, "app", "a", one)).status, 201);
  assert.equal((await putManifest(trial.client, "app", "b", two)).status, 201);
  const refused = await putManifest(trial.client, "app", "a", three);
  assertRefused(refused, 403, "DENIED");
  assert.equal(
    refused.json.errors[0].message,
    'Cannot push to repository "app": 2 of the 2 manifests that its quota allows are there, and this needs 1 more; ' +
      "delete some, or ask for a larger quota_manifests",
  );
  assert.equal((await putManifest(trial.client, "app", "a", two)).status, 201);
  const tags = await putManifest(trial.client, "app", `${one.digest}?tag=c&tag=d`, one);
  assertRefused(tags, 403, "DENIED");
  assert.match(
    tags.json.errors[0].message,
    /^Cannot push to repository "app": 2 of the 3 tags .* needs 2 more/,
  );
  assert.equal((await trial.client.send("DELETE", "/v2/app/manifests/b")).status, 202);
  assert.equal((await putManifest(trial.client, "app", `${one.digest}?tag=c&tag=d`, one)).status, 201);
});

Deno.test("other repositories have quotas of their own", async () => {
  await using trial = await makeTrial({ bytes: 1000 });
  for (const name of ["app", "app/web", "apple"]) await pushBlob(trial.client, name, makeBlob(1000));
});
