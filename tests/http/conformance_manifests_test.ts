/** Every row of the OCI conformance suite (main, with dev) about manifests, tags and referrers. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { makeBlob, type ManifestContent, pushBlob, putManifest } from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

import { DATA_SETS, DataSet } from "./conformance_data.ts";
const REPO = "conformance/repo1";
const OCI = "application/vnd.oci.image.manifest.v1+json";
const ACCEPT = { accept: ["application/vnd.oci.image.index.v1+json", OCI] };

async function push(client: Client, data: DataSet): Promise<void> {
  for (const blob of data.blobs) await pushBlob(client, REPO, blob);
  for (const manifest of data.manifests) {
    const tags = [...data.tags].filter(([, tagged]) => data.tagParameters && tagged === manifest).map((
      [tag],
    ) => tag);
    const query = tags.length === 0 ? "" : "?" + tags.map((tag) => `tag=${tag}`).join("&");
    const answer = await putManifest(client, REPO, manifest.digest + query, manifest);
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.headers["docker-content-digest"], manifest.digest);
    assert.deepEqual(answer.headers["oci-tag"]?.split(", ") ?? [], tags);
    const { subject } = JSON.parse(new TextDecoder().decode(manifest.bytes));
    assert.equal(answer.headers["oci-subject"], subject?.digest);
    assert.deepEqual((await client.send("GET", answer.headers["location"]!)).body, manifest.bytes);
  }
  if (data.tagParameters) return;
  for (const [tag, manifest] of data.tags) {
    const answer = await putManifest(client, REPO, tag, manifest);
    assert.deepEqual([answer.status, answer.headers["docker-content-digest"]], [201, manifest.digest]);
  }
}

async function assertListed(client: Client, data: DataSet): Promise<void> {
  const { json } = await client.send("GET", `/v2/${REPO}/tags/list`);
  const expected = [...data.tags.keys()].sort();
  assert.deepEqual(json.tags, expected);
  const half = Math.floor(expected.length / 2);
  if (half === 0) return;
  const rest = await client.send("GET", `/v2/${REPO}/tags/list?last=${expected[half - 1]}`);
  assert.deepEqual(rest.json.tags, expected.slice(half));
}

async function assertPulled(client: Client, data: DataSet): Promise<void> {
  const named: [string, ManifestContent][] = data.manifests.map((manifest) => [manifest.digest, manifest]);
  for (const [reference, manifest] of [...named, ...data.tags]) {
    for (const method of ["HEAD", "GET"]) {
      const answer = await client.send(method, `/v2/${REPO}/manifests/${reference}`, { headers: ACCEPT });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, method === "HEAD" ? new Uint8Array() : manifest.bytes);
      assert.equal(answer.headers["content-type"], manifest.mediaType);
      assert.equal(answer.headers["content-length"], String(manifest.bytes.length));
      assert.equal(answer.headers["docker-content-digest"], manifest.digest);
    }
  }
}

async function assertReferred(client: Client, data: DataSet): Promise<void> {
  for (const [subject, goals] of data.referrers) {
    const path = `/v2/${REPO}/referrers/${subject.digest}`;
    const expected = goals.map(({ manifest, artifactType }) => [manifest.digest, artifactType]);
    const listed = async (query: string) => {
      const answer = await client.send("GET", path + query);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/vnd.oci.image.index.v1+json");
      assert.equal(answer.json.schemaVersion, 2);
      for (const entry of answer.json.manifests) {
        const goal = goals.find(({ manifest }) => manifest.digest === entry.digest)!;
        assert.equal(entry.mediaType, goal.manifest.mediaType);
        assert.equal(entry.size, goal.manifest.bytes.length);
        if (goal.annotations !== undefined) assert.deepEqual(entry.annotations, goal.annotations);
      }
      const pairs = answer.json.manifests.map((
        entry: Record<string, string>,
      ) => [entry["digest"], entry["artifactType"]]);
      return { pairs, applied: answer.headers["oci-filters-applied"] };
    };
    assert.deepEqual((await listed("")).pairs, expected.toSorted());
    for (const { artifactType } of goals) {
      const { pairs, applied } = await listed(`?artifactType=${encodeURIComponent(artifactType!)}`);
      assert.equal(applied, "artifactType");
      assert.deepEqual(pairs, expected.filter(([, type]) => type === artifactType).toSorted());
    }
  }
}

async function assertDeleted(client: Client, data: DataSet): Promise<void> {
  const remove = async (path: string, statuses: number[]) => {
    const { status } = await client.send("DELETE", path);
    assert.ok(statuses.includes(status), `${path}: ${status}`);
    assert.equal((await client.send("HEAD", path)).status, 404);
  };
  for (const tag of data.tags.keys()) await remove(`/v2/${REPO}/manifests/${tag}`, [202]);
  for (const { digest } of data.manifests.toReversed()) {
    await remove(`/v2/${REPO}/manifests/${digest}`, [202]);
  }
  // A content that occurs twice is gone at the second time.
  for (const { digest } of data.blobs) await remove(`/v2/${REPO}/blobs/${digest}`, [202, 404]);
}

for (const [name, fill] of Object.entries(DATA_SETS)) {
  Deno.test(`conformance (main): ${name}: push, tag-list, head, pull, referrers, delete`, async () => {
    const data = new DataSet();
    fill(data);
    const client = makeClient(makeModelRegistry({ allowMissingManifestReferences: name === "sparse" }));
    await push(client, data);
    await assertListed(client, data);
    await assertPulled(client, data);
    await assertReferred(client, data);
    await assertDeleted(client, data);
  });
}

Deno.test("conformance (main): ping", async () => {
  assert.equal((await makeClient(makeModelRegistry()).send("GET", "/v2/")).status, 200);
});

Deno.test("conformance (main): empty, tag list and referrers", async () => {
  const client = makeClient(makeModelRegistry());
  assert.equal((await client.send("GET", `/v2/${REPO}/tags/list`)).status, 404);
  const answer = await client.send("GET", `/v2/${REPO}/referrers/${makeBlob().digest}`);
  assert.deepEqual([answer.status, answer.json.mediaType, answer.json.schemaVersion], [
    200,
    "application/vnd.oci.image.index.v1+json",
    2,
  ]);
});

Deno.test("conformance (main): bad-digest-image", async () => {
  const client = makeClient(makeModelRegistry());
  const data = new DataSet();
  const manifest = data.image();
  for (const blob of data.blobs) await pushBlob(client, REPO, blob);
  const padded = { ...manifest, bytes: new Uint8Array([...manifest.bytes, 0x20, 0x20]) };
  assert.equal((await putManifest(client, REPO, manifest.digest, padded)).status, 400);
});

Deno.test("conformance (main): missing-manifest, by digest and by tag", async () => {
  const client = makeClient(makeModelRegistry());
  for (const reference of [makeBlob().digest, "missing-abcdefgh"]) {
    assert.equal(
      (await client.send("GET", `/v2/${REPO}/manifests/${reference}`, { headers: ACCEPT })).status,
      404,
    );
  }
});

Deno.test("conformance (main): invalid-digest-format, manifest-put and manifest-get", async () => {
  const client = makeClient(makeModelRegistry());
  const data = new DataSet();
  const manifest = data.image({}, 1);
  for (const blob of data.blobs) await pushBlob(client, REPO, blob);
  assert.equal((await putManifest(client, REPO, "sha256:baddigeststring", manifest)).status, 400);
  const get = await client.send("GET", `/v2/${REPO}/manifests/sha256:baddigeststring`, { headers: ACCEPT });
  assert.ok([400, 404].includes(get.status));
  await client.send("DELETE", `/v2/${REPO}/manifests/${manifest.digest}`);
});
