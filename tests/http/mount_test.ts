/** Mounts of blobs between repositories, through the handler. */
import assert from "node:assert/strict";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { assertRefused, makeBlob, pushBlob } from "./content.ts";
import { makeClient } from "./request_builder.ts";

async function holdIn(...repositories: string[]) {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  const blob = makeBlob(2000);
  for (const repository of repositories) await pushBlob(client, repository, blob);
  const mount = (query: string) => client.send("POST", `/v2/app/blobs/uploads/?${query}`);
  const held = async () => (await client.send("HEAD", `/v2/app/blobs/${blob.digest}`)).status === 200;
  return { registry, client, blob, mount, held };
}

Deno.test("a mount answers 201 with the place of the blob, whose bytes are there once", async () => {
  const { registry, client, blob, mount } = await holdIn("source");
  const answer = await mount(`mount=${blob.digest}&from=source`);
  assert.equal(answer.status, 201);
  assert.equal(answer.headers["location"], `/v2/app/blobs/${blob.digest}`);
  assert.equal(answer.headers["docker-content-digest"], blob.digest);
  assert.deepEqual((await client.send("GET", answer.headers["location"]!)).body, blob.bytes);
  assert.equal(registry.blobs.files.size, 1);
  assert.equal(registry.metadata.uploads.size, 0);
});

Deno.test("a mount without a source finds a repository that holds the blob", async () => {
  const { blob, mount, held } = await holdIn("source");
  assert.equal((await mount(`mount=${blob.digest}`)).status, 201);
  assert.ok(await held());
});

Deno.test("a mount of a blob that the repository has already answers 201, whatever the source", async () => {
  const { blob, mount } = await holdIn("app");
  for (const from of ["", "&from=app", "&from=nowhere"]) {
    assert.equal((await mount(`mount=${blob.digest}${from}`)).status, 201);
  }
});

Deno.test("a mount of what is nowhere opens a session that takes the blob", async () => {
  for (const algorithm of ["sha256", "sha512"] as const) {
    const { registry, client, mount } = await holdIn();
    const blob = makeBlob(10, algorithm);
    for (const from of ["", "&from=source", "&from=app"]) {
      const answer = await mount(`mount=${blob.digest}${from}`);
      assert.equal(answer.status, 202);
      assert.equal([...registry.metadata.uploads.values()].at(-1)!.algorithm, algorithm);
      const put = await client.send("PUT", `${answer.headers["location"]}?digest=${blob.digest}`, {
        body: blob.bytes,
      });
      assert.equal(put.status, 201);
      await client.send("DELETE", `/v2/app/blobs/${blob.digest}`);
    }
  }
});

Deno.test("a mount from a named repository does not look into others", async () => {
  const { blob, mount, held } = await holdIn("secret");
  assert.equal((await mount(`mount=${blob.digest}&from=source`)).status, 202);
  assert.ok(!await held());
});

Deno.test("a malformed digest or source is refused and opens no session", async () => {
  const { registry, blob, mount } = await holdIn("source");
  assertRefused(await mount("mount=sha256:abc&from=source"), 400, "DIGEST_INVALID");
  assertRefused(await mount(`mount=${blob.digest}&from=..`), 400, "NAME_INVALID");
  assertRefused(await mount(`mount=${blob.digest}&from=a&from=b`), 400, "REQUEST_INVALID");
  assert.equal(registry.metadata.uploads.size, 0);
});

Deno.test("a blob is mounted only from repositories that the caller may read", async () => {
  const { registry, blob, mount, held } = await holdIn("a-secret", "b-secret");
  registry.refuse = (operation) =>
    operation.action === "get-blob" && operation.repository !== "app" ? "not yours" : undefined;
  for (const from of ["", "&from=a-secret"]) {
    assert.equal((await mount(`mount=${blob.digest}${from}`)).status, 202);
    assert.ok(!await held());
  }
});

Deno.test("an automatic mount skips repositories that the caller may not read", async () => {
  const { registry, blob, mount, held } = await holdIn("a-secret", "b-open");
  registry.refuse = (operation) =>
    operation.action === "get-blob" && operation.repository === "a-secret" ? "not yours" : undefined;
  assert.equal((await mount(`mount=${blob.digest}`)).status, 201);
  assert.ok(await held());
});

Deno.test("an automatic mount asks no webhook about the repositories that hold the blob: its time would tell of them", async () => {
  const { registry, blob, mount, held } = await holdIn("a-guarded", "b-guarded");
  const client = makeClient({
    ...registry,
    rulesOf: (repository) => ({ ...NO_RULES, asksWebhook: repository.endsWith("guarded") }),
  });
  const ask = (digest: string, query = "") =>
    client.send("POST", `/v2/app/blobs/uploads/?mount=${digest}${query}`);
  const asked = async (digest: string): Promise<string[]> => {
    registry.asked.length = 0;
    assert.equal((await ask(digest)).status, 202);
    return registry.asked.map((operation) =>
      "repository" in operation ? `${operation.action} ${operation.repository}` : ""
    );
  };
  assert.deepEqual(await asked(blob.digest), await asked(makeBlob().digest));
  assert.equal((await ask(blob.digest, "&from=a-guarded")).status, 201, "who names it has it asked about");
  assert.ok(await held());
  assert.equal((await mount(`mount=${blob.digest}`)).status, 201);
});

Deno.test("an automatic mount looks at 32 repositories at most", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `r${String(i).padStart(2, "0")}`);
  const { registry, blob, mount } = await holdIn(...names);
  registry.refuse = (operation) =>
    operation.action === "get-blob" && operation.repository !== "r35" ? "not yours" : undefined;
  assert.equal((await mount(`mount=${blob.digest}`)).status, 202);
});

Deno.test("the source is asked for before it is looked into", async () => {
  const { registry, blob, mount } = await holdIn("secret");
  registry.refuse = (operation) =>
    operation.action === "get-blob" && operation.repository === "secret" ? "not yours" : undefined;
  const looked: string[] = [];
  const findBlob = registry.metadata.findBlob.bind(registry.metadata);
  registry.metadata.findBlob = (repository, digest) => {
    looked.push(repository);
    return findBlob(repository, digest);
  };
  await mount(`mount=${blob.digest}&from=secret`);
  assert.deepEqual(looked, ["app"]);
});

Deno.test("a refused mount becomes a plain session, unless that is refused too", async () => {
  const { registry, blob, mount, held } = await holdIn("source");
  registry.refuse = (operation) => operation.action === "mount-blob" ? "no mounts" : undefined;
  const answer = await mount(`mount=${blob.digest}&from=source`);
  assert.deepEqual([answer.status, answer.handled.action], [202, "mount-blob"]);
  assert.ok(!await held());
  registry.refuse = (operation) =>
    operation.action === "mount-blob" || operation.action === "start-upload"
      ? "this registry is read only"
      : undefined;
  const refused = await mount(`mount=${blob.digest}&from=source`);
  assertRefused(refused, 403, "DENIED");
  assert.equal(refused.json.errors[0].message, "Access denied: this registry is read only");
});

Deno.test("a mount that finds nothing opens no session for who may not upload", async () => {
  const { registry, mount } = await holdIn();
  registry.refuse = (operation) => operation.action === "start-upload" ? "mounts only" : undefined;
  assertRefused(await mount(`mount=${makeBlob().digest}`), 403, "DENIED");
  assert.equal(registry.metadata.uploads.size, 0);
});

Deno.test("a blob whose bytes are missing is not mounted, so that the client pushes and heals it", async () => {
  const { registry, client, blob, mount } = await holdIn("source", "app");
  registry.blobs.files.clear();
  for (const from of ["", "&from=source", "&from=app"]) {
    assert.equal((await mount(`mount=${blob.digest}${from}`)).status, 202);
  }
  await pushBlob(client, "app", blob);
  for (const repository of ["app", "source"]) {
    assert.deepEqual((await client.send("GET", `/v2/${repository}/blobs/${blob.digest}`)).body, blob.bytes);
  }
});
