/** oras pushes artifacts, attaches referrers and copies whole graphs. */

import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildIndex, digestOf, randomBytes } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const needs = { programs: ["oras"] };
const shared = shareRegistry(needs);
const test = testWith(needs);

async function oras(...args: string[]): Promise<string> {
  return (await shared.run(["oras", ...args], { env: { SSL_CERT_FILE: shared.registry.caFile } })).stdout;
}

async function writeRandomFile(name: string, size: number): Promise<Uint8Array> {
  const bytes = randomBytes(size);
  await Deno.writeFile(`${shared.workDir}/${name}`, bytes);
  return bytes;
}

/** Pushes one random file as an artifact and gives its digest. */
async function pushArtifact(reference: string, file: string): Promise<string> {
  await writeRandomFile(file, 5000);
  const args = ["push", "--format", "json", "--artifact-type", "application/vnd.test.thing"];
  return JSON.parse(await oras(...args, shared.at(reference), `${file}:application/octet-stream`)).digest;
}

test("oras pushes an artifact of two files and pulls them back unchanged", async () => {
  const first = await writeRandomFile("first.bin", 1_200_000);
  const second = await writeRandomFile("second.bin", 1);
  await oras("push", shared.at("oras/files:v1"), "first.bin", "second.bin");
  await oras("pull", "--output", "pulled", shared.at("oras/files:v1"));
  assertSameBytes(await Deno.readFile(`${shared.workDir}/pulled/first.bin`), first);
  assertSameBytes(await Deno.readFile(`${shared.workDir}/pulled/second.bin`), second);
});

test("oras pushes one artifact under several tags", async () => {
  await writeRandomFile("many.bin", 100);
  await oras("push", shared.at("oras/many:a,b,c"), "many.bin");
  assert.deepEqual((await oras("repo", "tags", shared.at("oras/many"))).trim().split("\n"), ["a", "b", "c"]);
});

test("oras attaches a referrer that discover finds through the referrers API", async () => {
  const subject = await pushArtifact("oras/attach:v1", "attached-to.bin");
  await writeRandomFile("sbom.json", 300);
  const attach = ["attach", "--format", "json", "--artifact-type", "application/vnd.test.sbom"];
  const attached = JSON.parse(await oras(...attach, shared.at("oras/attach:v1"), "sbom.json"));
  const discovered = JSON.parse(await oras("discover", "--format", "json", shared.at("oras/attach:v1")));
  assert.deepEqual(discovered.referrers.map((referrer: { digest: string }) => referrer.digest), [
    attached.digest,
  ]);
  const response = await shared.api.expect(200, "GET", `/v2/oras/attach/referrers/${subject}`);
  const { manifests } = await response.json();
  assert.equal(manifests[0].digest, attached.digest);
  assert.equal(manifests[0].artifactType, "application/vnd.test.sbom");
  // With the API in place a client makes no fallback tag.
  assert.equal((await oras("repo", "tags", shared.at("oras/attach"))).trim(), "v1");
});

test("oras discover filters referrers by artifact type", async () => {
  await pushArtifact("oras/filter:v1", "filtered.bin");
  await writeRandomFile("note.txt", 30);
  for (const type of ["application/vnd.test.a", "application/vnd.test.b"]) {
    await oras("attach", "--artifact-type", type, shared.at("oras/filter:v1"), "note.txt");
  }
  const discover = ["discover", "--format", "json", "--artifact-type", "application/vnd.test.b"];
  const { referrers } = JSON.parse(await oras(...discover, shared.at("oras/filter:v1")));
  assert.deepEqual(
    referrers.map((referrer: { artifactType: string }) => referrer.artifactType),
    ["application/vnd.test.b"],
  );
});

test("oras copies an artifact together with its referrers to another repository", async () => {
  const subject = await pushArtifact("oras/graph/from:v1", "graph.bin");
  await writeRandomFile("signature.bin", 40);
  const attach = ["attach", "--format", "json", "--artifact-type", "application/vnd.test.signature"];
  const attached = JSON.parse(await oras(...attach, shared.at("oras/graph/from:v1"), "signature.bin"));
  await oras("cp", "-r", shared.at("oras/graph/from:v1"), shared.at("oras/graph/to:v1"));
  assert.equal(await shared.api.findDigest("oras/graph/to", "v1"), subject);
  const discovered = JSON.parse(await oras("discover", "--format", "json", shared.at("oras/graph/to:v1")));
  assert.equal(discovered.referrers[0].digest, attached.digest);
});

test("oras copies an index to an OCI layout and back", async () => {
  const built = buildIndex();
  await shared.api.pushImage("oras/layout", built, "v1");
  await oras("cp", "--to-oci-layout", shared.at("oras/layout:v1"), "oras-layout:v1");
  await oras("cp", "--from-oci-layout", "oras-layout:v1", shared.at("oras/layout-back:v1"));
  assert.equal(await shared.api.findDigest("oras/layout-back", "v1"), built.index.digest);
});

test("oras pushes and fetches a single blob", async () => {
  const bytes = await writeRandomFile("blob.bin", 70_000);
  await oras("blob", "push", shared.at("oras/blob"), "blob.bin");
  await oras("blob", "fetch", "--output", "blob-back.bin", shared.at(`oras/blob@${digestOf(bytes)}`));
  assertSameBytes(await Deno.readFile(`${shared.workDir}/blob-back.bin`), bytes);
});

test("oras deletes a single blob that no manifest references", async () => {
  const bytes = await writeRandomFile("unwanted.bin", 10);
  await oras("blob", "push", shared.at("oras/unwanted"), "unwanted.bin");
  await oras("blob", "delete", "--force", shared.at(`oras/unwanted@${digestOf(bytes)}`));
  const response = await shared.api.expect(404, "GET", `/v2/oras/unwanted/blobs/${digestOf(bytes)}`);
  await response.body?.cancel();
});

test("oras fetches a manifest and pushes it under another tag", async () => {
  const digest = await pushArtifact("oras/manifest:v1", "manifested.bin");
  await oras("manifest", "fetch", "--output", "manifest.json", shared.at("oras/manifest:v1"));
  assert.equal(digestOf(await Deno.readFile(`${shared.workDir}/manifest.json`)), digest);
  await oras("manifest", "push", shared.at("oras/manifest:v2"), "manifest.json");
  assert.equal(await shared.api.findDigest("oras/manifest", "v2"), digest);
});

test("oras tags an artifact, lists repositories and deletes the manifest", async () => {
  const digest = await pushArtifact("oras/delete:v1", "deleted.bin");
  await oras("tag", shared.at("oras/delete:v1"), "v2");
  assert.ok((await oras("repo", "ls", shared.registry.host)).split("\n").includes("oras/delete"));
  await oras("manifest", "delete", "--force", shared.at(`oras/delete@${digest}`));
  assert.equal(await shared.api.findDigest("oras/delete", "v2"), undefined);
});
