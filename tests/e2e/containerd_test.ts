/** containerd, with its client ctr, pulls from and pushes to the registry. */

import assert from "node:assert/strict";
import { buildImage, buildIndex } from "../harness/build_images.ts";
import { type ClientEngine, startContainerd } from "../harness/client_engines.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const needs = { programs: ["ctr", "containerd", "unshare"], root: true };
const shared = shareRegistry(needs);
const test = testWith(needs);
let engine: ClientEngine & { readonly hostsDir: string };

if (describeMissing(needs) === undefined) {
  Deno.test.beforeAll(async () => {
    engine = await startContainerd(shared.registry);
  });
  Deno.test.afterAll(() => engine[Symbol.asyncDispose]());
}

const hosts = () => ["--hosts-dir", engine.hostsDir];
const images = async (...args: string[]) => (await engine.run(["images", ...args])).stdout;
const pull = (...args: string[]) => images("pull", ...hosts(), "--snapshotter", "native", ...args);

test("containerd pulls an image by tag and unpacks it", async () => {
  const image = buildImage({ layerSizes: [2_000_000, 50] });
  await shared.api.pushImage("containerd/pull", image, "v1");
  await pull("--platform", "linux/amd64", shared.at("containerd/pull:v1"));
  assert.ok((await images("ls", `name==${shared.at("containerd/pull:v1")}`)).includes(image.manifest.digest));
});

test("containerd pulls an image by digest", async () => {
  const image = buildImage();
  await shared.api.pushImage("containerd/by-digest", image, "v1");
  await pull("--platform", "linux/amd64", shared.at(`containerd/by-digest@${image.manifest.digest}`));
});

test("containerd pulls an index for all platforms and pushes it to another repository", async () => {
  const built = buildIndex();
  await shared.api.pushImage("containerd/from", built, "v1");
  await pull("--all-platforms", shared.at("containerd/from:v1"));
  await images("push", ...hosts(), shared.at("containerd/to:v1"), shared.at("containerd/from:v1"));
  assert.equal(await shared.api.findDigest("containerd/to", "v1"), built.index.digest);
});

test("containerd pushes the image of one platform and pushes it again without error", async () => {
  const built = buildIndex();
  await shared.api.pushImage("containerd/one", built, "v1");
  await pull("--platform", "linux/amd64", shared.at("containerd/one:v1"));
  const push = ["push", ...hosts(), "--platform", "linux/amd64", "--allow-non-distributable-blobs"];
  for (const target of ["containerd/pushed:v1", "containerd/pushed:v1"]) {
    await images(...push, shared.at(target), shared.at("containerd/one:v1"));
  }
  assert.equal(await shared.api.findDigest("containerd/pushed", "v1"), built.images[0]?.manifest.digest);
});

test("containerd fetches the content of an index only", async () => {
  const built = buildIndex({ docker: true });
  await shared.api.pushImage("containerd/fetch", built, "v1");
  await engine.run(["content", "fetch", ...hosts(), "--all-platforms", shared.at("containerd/fetch:v1")]);
  const listed = (await engine.run(["content", "ls", "--quiet"])).stdout;
  for (const image of built.images) assert.ok(listed.includes(image.manifest.digest), listed);
});

test("containerd says that an image is not found when a tag does not exist", async () => {
  await shared.api.pushImage("containerd/unknown", buildImage(), "v1");
  await assert.rejects(pull(shared.at("containerd/unknown:v2")), /not found/);
});
