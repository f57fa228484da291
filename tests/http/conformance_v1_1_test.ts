/** Every row of the OCI conformance suite v1.1.1 about pull, push and content management. */
import assert from "node:assert/strict";
import { makeBlob, makeManifest, putManifest, startSession } from "./content.ts";
import {
  DUMMY,
  INVALID,
  OCTETS,
  REPO,
  status,
  suiteManifest,
  testWorkflow,
  upload,
} from "./conformance_v1_1_workflow.ts";

const MOUNTED = "conformance-0e8400e2-9b1d-41d4-a716-446655440000";

testWorkflow("pull", async (client, row) => {
  const [config0, config1, layer] = [makeBlob(), makeBlob(), makeBlob()];
  const manifests = [suiteManifest(config0, [layer]), suiteManifest(config1, [layer])];
  await row("Setup", async () => {
    for (const blob of [config0, config1, layer]) assert.equal((await upload(client, blob)).status, 201);
    assert.equal((await putManifest(client, REPO, "tagtest0", manifests[0]!)).status, 201);
    assert.equal((await putManifest(client, REPO, manifests[1]!.digest, manifests[1]!)).status, 201);
  });
  await row("Pull blobs: HEAD and GET of a nonexistent and of an existing blob", async () => {
    for (const method of ["HEAD", "GET"]) {
      assert.equal(await status(client, method, `blobs/${DUMMY}`), 404);
      const answer = await client.send(method, `/v2/${REPO}/blobs/${config0.digest}`);
      assert.deepEqual([answer.status, answer.headers["docker-content-digest"]], [200, config0.digest]);
    }
  });
  await row("Pull manifests: HEAD and GET of a nonexistent one, by digest, by tag", async () => {
    for (const method of ["HEAD", "GET"]) {
      assert.equal(await status(client, method, `manifests/${INVALID}`), 404);
      for (const reference of [manifests[0]!.digest, manifests[1]!.digest, "tagtest0"]) {
        assert.equal(await status(client, method, `manifests/${reference}`), 200);
      }
    }
  });
  await row("400 response body should contain OCI-conforming JSON message", async () => {
    const answer = await client.send("GET", `/v2/${REPO}/manifests/sha256:totallywrong`, {
      body: "blablabla",
    });
    assert.deepEqual([answer.status, answer.json.errors[0].code], [400, "DIGEST_INVALID"]);
  });
  await row("Teardown", async () => {
    for (const { digest } of manifests) {
      assert.equal(await status(client, "DELETE", `manifests/${digest}`), 202);
    }
    for (const { digest } of [config0, config1, layer]) {
      assert.equal(await status(client, "DELETE", `blobs/${digest}`), 202);
    }
  });
});

testWorkflow("push", async (client, row) => {
  const [streamed, chunked, config, layer] = [makeBlob(42), makeBlob(42), makeBlob(), makeBlob()];
  let session = "";
  await row("Blob Upload Streamed: PATCH 202, PUT 201", async () => {
    session = await startSession(client, REPO);
    const patch = await client.send("PATCH", session, { headers: OCTETS, body: streamed.bytes });
    assert.equal(patch.status, 202);
    const put = `${patch.headers["location"]}?digest=${streamed.digest}`;
    const answer = await client.send("PUT", put, { headers: OCTETS });
    assert.deepEqual([answer.status, answer.headers["location"] !== undefined], [201, true]);
  });
  await row("Blob Upload Monolithic: POST with digest and blob, POST and PUT, GET", async () => {
    assert.equal(await status(client, "GET", `blobs/${DUMMY}`), 404);
    const post = await client.send("POST", `/v2/${REPO}/blobs/uploads/?digest=${config.digest}`, {
      headers: OCTETS,
      body: config.bytes,
    });
    assert.deepEqual([post.status, post.headers["location"] !== undefined], [201, true]);
    assert.equal(await status(client, "GET", `blobs/${config.digest}`), 200);
    for (const blob of [config, layer]) {
      const answer = await upload(client, blob);
      assert.deepEqual([answer.status, answer.headers["location"] !== undefined], [201, true]);
      assert.equal(await status(client, "GET", `blobs/${blob.digest}`), 200);
    }
  });
  await row("Blob Upload Chunked: out of order 416, retry 416, stale GET 204, PUT 201", async () => {
    const send = (first: number, last: number) =>
      client.send("PATCH", session, {
        headers: { ...OCTETS, "content-range": `${first}-${last}` },
        body: chunked.bytes.slice(first, last + 1),
      });
    session = await startSession(client, REPO);
    assert.equal((await send(3, 41)).status, 416);
    session = await startSession(client, REPO);
    const first = await send(0, 2);
    assert.deepEqual([first.status, first.headers["range"]], [202, "0-2"]);
    assert.equal((await send(0, 2)).status, 416);
    const stale = await client.send("GET", session);
    assert.deepEqual([stale.status, stale.headers["range"], stale.headers["location"]], [
      204,
      "0-2",
      session,
    ]);
    assert.equal((await send(3, 41)).status, 202);
    const put = await client.send("PUT", `${session}?digest=${chunked.digest}`, { headers: OCTETS });
    assert.deepEqual([put.status, put.headers["location"] !== undefined], [201, true]);
  });
  await row("Cross-Repository Blob Mount: without from 202, with from 201, automatic 201", async () => {
    const mount = (query: string) => client.send("POST", `/v2/${MOUNTED}/blobs/uploads/?${query}`);
    const unknown = await mount(`mount=${DUMMY}`);
    assert.equal(unknown.status, 202);
    assert.ok(unknown.headers["location"]!.startsWith(`/v2/${MOUNTED}/blobs/uploads/`));
    const mounted = await mount(`mount=${streamed.digest}&from=${encodeURIComponent(REPO)}`);
    assert.equal(mounted.status, 201);
    assert.equal(mounted.headers["location"], `/v2/${MOUNTED}/blobs/${streamed.digest}`);
    assert.equal((await client.send("GET", mounted.headers["location"]!)).status, 200);
    assert.equal((await mount(`mount=${streamed.digest}`)).status, 201);
  });
  const manifest = suiteManifest(config, [layer]);
  const empty = makeManifest(config, [], { mediaType: undefined });
  await row("Manifest Upload: nonexistent 404, by four tags 201, without layers 201, GET 200", async () => {
    assert.equal(await status(client, "GET", `manifests/${INVALID}`), 404);
    for (const tag of ["test0", "test1", "test2", "test3"]) {
      const answer = await putManifest(client, REPO, tag, manifest);
      assert.deepEqual([answer.status, answer.headers["location"] !== undefined], [201, true]);
    }
    assert.equal((await putManifest(client, REPO, "emptylayer", empty)).status, 201);
    assert.equal(await status(client, "GET", `manifests/${manifest.digest}`), 200);
  });
  await row("Teardown", async () => {
    for (const { digest } of [manifest, empty]) {
      assert.equal(await status(client, "DELETE", `manifests/${digest}`), 202);
    }
    for (const { digest } of [config, layer]) {
      assert.equal(await status(client, "DELETE", `blobs/${digest}`), 202);
    }
  });
});

testWorkflow("content management", async (client, row) => {
  const [config, layer] = [makeBlob(), makeBlob()];
  const manifest = suiteManifest(config, [layer]);
  await row("Setup", async () => {
    for (const blob of [config, layer]) assert.equal((await upload(client, blob)).status, 201);
    assert.equal((await putManifest(client, REPO, "tagtest0", manifest)).status, 201);
  });
  await row("Manifest delete: tag 202, digest 202, GET 404, tags reflect it", async () => {
    assert.equal(await status(client, "DELETE", "manifests/tagtest0"), 202);
    assert.equal(await status(client, "DELETE", `manifests/${manifest.digest}`), 202);
    assert.equal(await status(client, "GET", `manifests/${manifest.digest}`), 404);
    assert.deepEqual((await client.send("GET", `/v2/${REPO}/tags/list`)).json.tags, []);
  });
  await row("Blob delete: 202, GET 404", async () => {
    for (const { digest } of [config, layer]) {
      assert.equal(await status(client, "DELETE", `blobs/${digest}`), 202);
    }
    assert.equal(await status(client, "GET", `blobs/${config.digest}`), 404);
  });
});
