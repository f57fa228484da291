/** crane (go-containerregistry, also under ko and cosign) pushes to and pulls from the registry. */

import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, buildIndex, writeOciLayout } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const needs = { programs: ["crane"] };
const shared = shareRegistry(needs);
const test = testWith(needs);

async function crane(...args: string[]): Promise<string> {
  const { stdout } = await shared.run(["crane", ...args], { env: { SSL_CERT_FILE: shared.registry.caFile } });
  return stdout.trim();
}

test("crane pushes an image whose tag then names the digest that was built", async () => {
  const image = buildImage();
  await writeOciLayout(`${shared.workDir}/push`, image, "v1");
  await crane("push", `${shared.workDir}/push`, shared.at("crane/push:v1"));
  assert.equal(await crane("digest", shared.at("crane/push:v1")), image.manifest.digest);
  assert.equal(await shared.api.findDigest("crane/push", "v1"), image.manifest.digest);
});

test("crane pushes a layout as an index together with the index and the manifests inside it", async () => {
  const built = buildIndex();
  await writeOciLayout(`${shared.workDir}/push-index`, built, "v1");
  await crane("push", "--index", `${shared.workDir}/push-index`, shared.at("crane/index:v1"));
  const listed = await crane("index", "list", shared.at("crane/index:v1"));
  assert.ok(listed.includes(built.index.digest), listed);
  for (const { manifest } of built.images) {
    assert.equal(await shared.api.findDigest("crane/index", manifest.digest), manifest.digest);
  }
});

test("crane pulls an image by tag and by digest and finds every byte right", async () => {
  const image = buildImage({ layerSizes: [1_500_000, 10] });
  await shared.api.pushImage("crane/pull", image, "v1");
  await crane("pull", "--format=oci", shared.at("crane/pull:v1"), `${shared.workDir}/pulled`);
  const layout = await Deno.readTextFile(`${shared.workDir}/pulled/index.json`);
  assert.ok(layout.includes(image.manifest.digest), layout);
  await crane("validate", "--remote", shared.at(`crane/pull@${image.manifest.digest}`));
});

test("crane prints the manifest byte for byte as it was pushed", async () => {
  const image = buildImage({ docker: true });
  await shared.api.pushImage("crane/manifest", image, "v1");
  const printed = await shared.run(["crane", "manifest", shared.at("crane/manifest:v1")], {
    env: { SSL_CERT_FILE: shared.registry.caFile },
  });
  assert.equal(printed.stdout.trimEnd(), new TextDecoder().decode(image.manifest.bytes));
});

test("crane copies an image to another repository by mounting its blobs", async () => {
  const built = buildIndex();
  await shared.api.pushImage("crane/copy/from", built, "v1");
  const copied = await shared.run(
    ["crane", "copy", shared.at("crane/copy/from:v1"), shared.at("crane/copy/to:v1")],
    { env: { SSL_CERT_FILE: shared.registry.caFile } },
  );
  assert.match(copied.stderr, /mounted blob/);
  assert.doesNotMatch(copied.stderr, /pushed blob/);
  assert.equal(await shared.api.findDigest("crane/copy/to", "v1"), built.index.digest);
  await crane("validate", "--remote", shared.at("crane/copy/to:v1"));
});

test("crane copies an image under every tag of its repository", async () => {
  const image = buildImage();
  await shared.api.pushImage("crane/all/from", image, "v1");
  await crane("tag", shared.at("crane/all/from:v1"), "v2");
  await crane("copy", "--all-tags", shared.at("crane/all/from"), shared.at("crane/all/to"));
  assert.deepEqual((await crane("ls", shared.at("crane/all/to"))).split("\n").sort(), ["v1", "v2"]);
});

test("crane appends a layer to an image and pushes only what is new", async () => {
  const image = buildImage();
  await shared.api.pushImage("crane/append", image, "v1");
  const [layer] = buildImage().layers;
  await Deno.writeFile(`${shared.workDir}/new-layer.tar.gz`, layer?.bytes ?? new Uint8Array());
  const args = ["-b", shared.at("crane/append:v1"), "-f", `${shared.workDir}/new-layer.tar.gz`];
  const appended = await shared.run(["crane", "append", ...args, "-t", shared.at("crane/append:v2")], {
    env: { SSL_CERT_FILE: shared.registry.caFile },
  });
  assert.match(appended.stderr, /existing blob/);
  await crane("validate", "--remote", shared.at("crane/append:v2"));
});

test("crane appends manifests to a new index", async () => {
  const image = buildImage();
  await shared.api.pushImage("crane/new-index", image, "one");
  await crane(
    "index",
    "append",
    "-m",
    shared.at("crane/new-index:one"),
    "-t",
    shared.at("crane/new-index:all"),
  );
  const manifest = JSON.parse(await crane("manifest", shared.at("crane/new-index:all")));
  assert.equal(manifest.manifests[0].digest, image.manifest.digest);
});

test("six cranes push the same image to one repository at the same time", async () => {
  const image = buildImage({ layerSizes: [400_000, 400_000, 3] });
  await writeOciLayout(`${shared.workDir}/together`, image, "v1");
  const tags = ["a", "b", "c", "d", "e", "f"];
  await Promise.all(tags.map((tag) => crane("push", "together", shared.at(`crane/together:${tag}`))));
  for (const tag of tags) {
    assert.equal(await crane("digest", shared.at(`crane/together:${tag}`)), image.manifest.digest);
  }
  await crane("validate", "--remote", shared.at("crane/together:a"));
});

test("crane lists the repositories of the catalog and the tags of one", async () => {
  for (const tag of ["b", "a", "c"]) await shared.api.pushImage("crane/list", buildImage(), tag);
  assert.ok((await crane("catalog", shared.registry.host)).split("\n").includes("crane/list"));
  assert.deepEqual((await crane("ls", shared.at("crane/list"))).split("\n"), ["a", "b", "c"]);
});

test("crane fetches one blob byte for byte", async () => {
  const image = buildImage();
  await shared.api.pushImage("crane/blob", image, "v1");
  const blob = await shared.run(["crane", "blob", shared.at(`crane/blob@${image.config.digest}`)], {
    env: { SSL_CERT_FILE: shared.registry.caFile },
  });
  assertSameBytes(blob.stdoutBytes, image.config.bytes);
});

test("crane deletes a tag and the manifest stays readable by digest", async () => {
  const image = buildImage();
  await shared.api.pushImage("crane/delete-tag", image, "v1");
  await shared.api.pushManifest("crane/delete-tag", image.manifest, "v2");
  await crane("delete", shared.at("crane/delete-tag:v1"));
  assert.equal(await crane("ls", shared.at("crane/delete-tag")), "v2");
  assert.equal(
    await crane("digest", shared.at(`crane/delete-tag@${image.manifest.digest}`)),
    image.manifest.digest,
  );
});

test("crane deletes a manifest by digest and its tags go with it", async () => {
  const image = buildImage();
  await shared.api.pushImage("crane/delete", image, "v1");
  await crane("delete", shared.at(`crane/delete@${image.manifest.digest}`));
  assert.equal(await shared.api.findDigest("crane/delete", "v1"), undefined);
});

test("crane says that a manifest is unknown when a tag does not exist", async () => {
  await shared.api.pushImage("crane/unknown", buildImage(), "v1");
  const failed = await shared.runFailing(["crane", "manifest", shared.at("crane/unknown:v2")], {
    env: { SSL_CERT_FILE: shared.registry.caFile },
  });
  assert.match(failed.stderr, /MANIFEST_UNKNOWN/);
});
