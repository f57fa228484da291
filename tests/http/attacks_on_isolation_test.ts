/** Attacks on the walls between repositories that are on record, each tried through the handler. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { digestOf } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { assertRefused, makeBlob, makeManifest, pushBlob, putManifest, startSession } from "./content.ts";
import { makeClient } from "./request_builder.ts";

function setUp() {
  const registry = makeModelRegistry();
  return { registry, client: makeClient(registry) };
}

Deno.test("a blob that was deleted here does not come back by being read elsewhere (CVE-2026-35172)", async () => {
  const { client } = setUp();
  const blob = makeBlob();
  for (const repository of ["a", "b"]) await pushBlob(client, repository, blob);
  await client.send("DELETE", `/v2/a/blobs/${blob.digest}`);
  assert.equal((await client.send("GET", `/v2/b/blobs/${blob.digest}`)).status, 200);
  for (const method of ["GET", "HEAD"]) {
    assert.equal((await client.send(method, `/v2/a/blobs/${blob.digest}`)).status, 404);
  }
});

Deno.test("a blob of another repository gives no byte by any way of asking (CVE-2024-39897)", async () => {
  const { registry, client } = setUp();
  const blob = makeBlob(1000);
  await pushBlob(client, "secret", blob);
  registry.refuse = (operation) =>
    "repository" in operation && operation.repository === "secret" ? "this is not yours" : undefined;
  for (const { digest } of [blob, makeBlob()]) {
    const path = `/v2/mine/blobs/${digest}`;
    assertRefused(await client.send("GET", path), 404, "BLOB_UNKNOWN");
    assertRefused(await client.send("GET", path, { headers: { range: "bytes=0-0" } }), 404, "BLOB_UNKNOWN");
    assertRefused(
      await client.send("GET", path, { headers: { "if-none-match": `"${digest}"` } }),
      404,
      "BLOB_UNKNOWN",
    );
    assert.equal((await client.send("HEAD", path)).status, 404);
    for (const query of [`mount=${digest}`, `mount=${digest}&from=secret`, `mount=${digest}&from=bogus`]) {
      const answer = await client.send("POST", `/v2/mine/blobs/uploads/?${query}`);
      assert.deepEqual([answer.status, answer.headers["docker-content-digest"]], [202, undefined]);
    }
    assert.equal((await client.send("GET", path)).status, 404);
    assertRefused(await client.send("GET", `/v2/secret/blobs/${digest}`), 403, "DENIED");
    assert.equal((await client.send("HEAD", `/v2/secret/blobs/${digest}`)).status, 404);
  }
});

Deno.test("a manifest does not give its repository the blobs of another", async () => {
  const { client } = setUp();
  const [config, secret] = [makeBlob(), makeBlob()];
  await pushBlob(client, "secret", secret);
  await pushBlob(client, "mine", config);
  for (const manifest of [makeManifest(secret), makeManifest(config, [secret])]) {
    assertRefused(await putManifest(client, "mine", "latest", manifest), 404, "MANIFEST_BLOB_UNKNOWN");
  }
  assert.equal((await client.send("GET", `/v2/mine/blobs/${secret.digest}`)).status, 404);
});

Deno.test("the existence of a foreign blob shows in neither headers nor words", async () => {
  const { client } = setUp();
  const foreign = makeBlob();
  await pushBlob(client, "secret", foreign);
  const absent = makeBlob();
  for (const method of ["GET", "HEAD", "DELETE"]) {
    const shown = [];
    for (const { digest } of [foreign, absent]) {
      const { status, headers, text } = await client.send(method, `/v2/mine/blobs/${digest}`);
      shown.push([status, headers, text.replaceAll(digest, "DIGEST")]);
    }
    assert.deepEqual(shown[0], shown[1]);
  }
});

Deno.test("a session serves its own repository only (CVE-2022-31667)", async () => {
  const { client } = setUp();
  const session = await startSession(client, "a");
  await client.send("PATCH", session, { body: "secret" });
  const digest = digestOf("secret");
  for (const method of ["GET", "HEAD", "PATCH", "PUT", "DELETE"]) {
    const answer = await client.send(method, `${session.replace("/a/", "/b/")}?digest=${digest}`, {
      body: "x",
    });
    assert.deepEqual([answer.status, answer.headers["range"], answer.taken], [404, undefined, 0]);
  }
  assert.equal((await client.send("PUT", `${session}?digest=${digest}`)).status, 201);
});

Deno.test("a wrong digest leaves neither blob nor manifest nor session", async () => {
  const { registry, client } = setUp();
  const blob = makeBlob();
  const wrong = digestOf("other");
  await client.send("POST", `/v2/app/blobs/uploads/?digest=${wrong}`, { body: blob.bytes });
  await client.send("PUT", `${await startSession(client, "app")}?digest=${wrong}`, { body: blob.bytes });
  assert.equal(registry.blobs.files.size + registry.blobs.uploads.size + registry.metadata.uploads.size, 0);
  assert.equal(registry.metadata.repositories.size, 0);
});

Deno.test(
  "the existence of a foreign blob shows in no difference of time",
  inTries(async () => {
    const { client } = setUp();
    const [foreign, absent] = [makeBlob(), makeBlob()];
    await pushBlob(client, "secret", foreign);
    const times: [number[], number[]] = [[], []];
    // In turns, so that whatever else the machine does falls on both alike.
    for (let i = 0; i < 400; i++) {
      const start = performance.now();
      await client.send("HEAD", `/v2/mine/blobs/${[foreign, absent][i % 2]!.digest}`);
      times[i % 2]!.push(performance.now() - start);
    }
    const [there, nowhere] = times.map((of) => of.toSorted((a, b) => a - b)[100]!);
    assert.ok(Math.abs(there! - nowhere!) < 1, `${there} ms and ${nowhere} ms`);
  }),
);
