/** Every row of the OCI conformance suite v1.1.1 about content discovery. */
import assert from "node:assert/strict";
import {
  type Content,
  contentOf,
  descriptorOf,
  makeBlob,
  makeIndex,
  makeManifest,
  type ManifestContent,
  putManifest,
} from "./content.ts";
import {
  DUMMY,
  OCI,
  REPO,
  status,
  suiteManifest,
  testWorkflow,
  upload,
} from "./conformance_v1_1_workflow.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";

testWorkflow("content discovery", async (client, row) => {
  const [config, config4, layer] = [makeBlob(), makeBlob(), makeBlob()];
  const [empty, blobA, blobB] = [
    contentOf("{}"),
    contentOf("NHL Peanut Butter on my NHL bagel"),
    contentOf("NBA Strawberry Jam on my NBA croissant"),
  ];
  const [typeA, typeB] = [
    "application/vnd.nhl.peanut.butter.bagel",
    "application/vnd.nba.strawberry.jam.croissant",
  ];
  const image = suiteManifest(config, [layer]);
  const subject = suiteManifest(config4, [layer]);
  const absent = suiteManifest(makeBlob(), [layer]);
  const emptyDescriptor = descriptorOf(empty, "application/vnd.oci.empty.v1+json");
  const note = (text: string) => ({ annotations: { "org.opencontainers.conformance.test": text } });
  const refer = (more: Record<string, unknown>, to = subject) =>
    makeManifest(empty, [], { subject: descriptorOf(to, OCI), ...more });
  const byConfig = (blob: Content, type: string, text: string) =>
    refer({ config: descriptorOf(blob, type), layers: [emptyDescriptor], ...note(text) });
  const byType = (blob: Content, type: string, text: string) =>
    refer({ artifactType: type, config: emptyDescriptor, layers: [descriptorOf(blob, type)], ...note(text) });
  const [configA, layerA] = [byConfig(blobA, typeA, "test config a"), byType(blobA, typeA, "test layer a")];
  const [configB, layerB] = [byConfig(blobB, typeB, "test config b"), byType(blobB, typeB, "test layer b")];
  const layerC = refer(
    { artifactType: typeB, config: emptyDescriptor, layers: [descriptorOf(blobB, typeB)] },
    absent,
  );
  const index = makeIndex([configA, layerA], {
    artifactType: "application/vnd.food.stand",
    subject: descriptorOf(subject, OCI),
    ...note("test index"),
  });
  await row("Setup: blobs, tags, referrers before and after their subject", async () => {
    for (const blob of [config, layer, empty, blobA]) assert.equal((await upload(client, blob)).status, 201);
    for (const tag of ["test0", "test1", "test2", "test3"]) {
      assert.equal((await putManifest(client, REPO, tag, image)).status, 201);
    }
    const push = async (manifest: ManifestContent, to: ManifestContent) => {
      const answer = await putManifest(client, REPO, manifest.digest, manifest);
      assert.deepEqual([answer.status, answer.headers["oci-subject"]], [201, to.digest]);
    };
    for (const manifest of [configA, layerA, index]) await push(manifest, subject);
    for (const blob of [config4, layer]) assert.equal((await upload(client, blob)).status, 201);
    assert.equal((await putManifest(client, REPO, "tagtest0", subject)).status, 201);
    assert.equal((await upload(client, blobB)).status, 201);
    for (const manifest of [configB, layerB]) await push(manifest, subject);
    await push(layerC, absent);
  });
  await row("listing tags: all, limited by n, from last", async () => {
    const list = async (query: string) =>
      (await client.send("GET", `/v2/${REPO}/tags/list${query}`)).json.tags;
    assert.equal((await list("")).length, 5);
    assert.deepEqual(await list("?n=2"), ["tagtest0", "test0"]);
    assert.deepEqual(await list("?n=2&last=test0"), ["test1", "test2"]);
  });
  await row("listing references: nonexistent empty, all, filtered, of a missing manifest", async () => {
    const list = async (digest: string, query = "") => {
      const answer = await client.send("GET", `/v2/${REPO}/referrers/${digest}${query}`);
      assert.deepEqual([answer.status, answer.headers["content-type"]], [200, INDEX]);
      return { manifests: answer.json.manifests, applied: answer.headers["oci-filters-applied"] };
    };
    assert.deepEqual((await list(DUMMY)).manifests, []);
    const all = (await list(subject.digest)).manifests;
    assert.equal(all.length, 5);
    for (const { annotations } of all) assert.equal(Object.keys(annotations).length, 1);
    const filtered = await list(subject.digest, `?artifactType=${encodeURIComponent(typeA)}`);
    assert.deepEqual([filtered.manifests.length, filtered.applied], [2, "artifactType"]);
    const missing = (await list(absent.digest)).manifests;
    assert.deepEqual(missing.map(({ digest }: Content) => digest), [layerC.digest]);
  });
  await row("Teardown", async () => {
    for (const { digest } of [index, image, subject, configA, layerA, configB, layerB, layerC]) {
      assert.equal(await status(client, "DELETE", `manifests/${digest}`), 202);
    }
    for (const { digest } of [config, layer, config4, blobA, empty, blobB]) {
      assert.equal(await status(client, "DELETE", `blobs/${digest}`), 202);
    }
  });
});
