/** docker, with a dockerd of its own, pushes to and pulls from the registry. */

import assert from "node:assert/strict";
import { buildImage, buildIndex, randomBytes } from "../harness/build_images.ts";
import { REGISTRY_NAME } from "../harness/certificates.ts";
import { type ClientEngine, startDockerd } from "../harness/client_engines.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";

const needs = { programs: ["docker", "dockerd", "containerd", "unshare"], root: true };
const shared = shareRegistry(needs);
const test = testWith(needs);
let engine: ClientEngine;

if (describeMissing(needs) === undefined) {
  Deno.test.beforeAll(async () => {
    engine = await startDockerd(shared.registry);
  });
  Deno.test.afterAll(() => engine[Symbol.asyncDispose]());
}

const docker = (...args: string[]) => engine.run(args);
const named = (name: string) => `${REGISTRY_NAME}:${shared.registry.port}/${name}`;

/** Makes an image of one random layer in the engine. */
async function importImage(reference: string, size: number): Promise<void> {
  await engine.run(["import", "-", reference], { stdin: makeTar({ "random.bin": randomBytes(size) }) });
}

function readPushedDigest(stdout: string): string {
  return /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1] ?? assert.fail(`no digest in ${stdout}`);
}

test("docker pushes an image and pulls it again under the same digest", async () => {
  await importImage(shared.at("docker/one:v1"), 5_000_000);
  const digest = readPushedDigest((await docker("push", shared.at("docker/one:v1"))).stdout);
  assert.equal(await shared.api.findDigest("docker/one", "v1"), digest);
  await docker("rmi", shared.at("docker/one:v1"));
  assert.match((await docker("pull", shared.at("docker/one:v1"))).stdout, new RegExp(`Digest: ${digest}`));
});

test("docker pushes an image again and finds its layer already there", async () => {
  await importImage(shared.at("docker/again:v1"), 1000);
  const first = await docker("push", shared.at("docker/again:v1"));
  await docker("tag", shared.at("docker/again:v1"), shared.at("docker/again:v2"));
  const second = await docker("push", shared.at("docker/again:v2"));
  assert.match(first.stdout, /Pushed/);
  assert.match(second.stdout, /Layer already exists/);
  assert.equal(readPushedDigest(second.stdout), readPushedDigest(first.stdout));
});

test("docker pushes to a second repository by mounting the layer from the first", async () => {
  await importImage(shared.at("docker/mount/from:v1"), 1000);
  await docker("push", shared.at("docker/mount/from:v1"));
  await docker("tag", shared.at("docker/mount/from:v1"), shared.at("docker/mount/to:v1"));
  const pushed = await docker("push", shared.at("docker/mount/to:v1"));
  assert.match(pushed.stdout, /Mounted from docker\/mount\/from/);
});

test("docker builds an image of several layers and pushes all of them", async () => {
  const context = makeTar({
    Dockerfile: new TextEncoder().encode("FROM scratch\nCOPY a /a\nCOPY b /b\nCOPY c /c\n"),
    a: randomBytes(300_000),
    b: randomBytes(1),
    c: randomBytes(40_000),
  });
  await engine.run(["build", "-t", shared.at("docker/built:v1"), "-"], {
    stdin: context,
    env: { DOCKER_BUILDKIT: "0" },
  });
  await docker("push", shared.at("docker/built:v1"));
  await docker("rmi", shared.at("docker/built:v1"));
  await docker("pull", shared.at("docker/built:v1"));
  const inspected = await docker("inspect", "-f", "{{len .RootFS.Layers}}", shared.at("docker/built:v1"));
  assert.equal(inspected.stdout.trim(), "3");
});

test("docker pulls an OCI image by digest", async () => {
  const image = buildImage();
  await shared.api.pushImage("docker/by-digest", image, "v1");
  const reference = shared.at(`docker/by-digest@${image.manifest.digest}`);
  await docker("pull", reference);
  const inspected = await docker("inspect", "-f", "{{index .RepoDigests 0}}", reference);
  assert.equal(inspected.stdout.trim(), reference);
});

for (const asDocker of [false, true]) {
  const format = asDocker ? "a Docker manifest list" : "an OCI index";
  test(`docker pulls the image of the asked platform from ${format}`, async () => {
    const repository = asDocker ? "docker/platforms/list" : "docker/platforms/index";
    await shared.api.pushImage(repository, buildIndex({ docker: asDocker }), "v1");
    for (const architecture of ["amd64", "arm64"]) {
      await docker("pull", "--platform", `linux/${architecture}`, shared.at(`${repository}:v1`));
      const inspected = await docker("inspect", "-f", "{{.Architecture}}", shared.at(`${repository}:v1`));
      assert.equal(inspected.stdout.trim(), architecture);
    }
  });
}

test("docker pulls every tag of a repository with --all-tags", async () => {
  for (const tag of ["a", "b"]) await shared.api.pushImage("docker/all-tags", buildImage(), tag);
  await docker("pull", "--all-tags", shared.at("docker/all-tags"));
  const listed = await docker("images", "--format", "{{.Tag}}", shared.at("docker/all-tags"));
  assert.deepEqual(listed.stdout.trim().split("\n").sort(), ["a", "b"]);
});

test("docker reaches the registry by a name as well", async () => {
  await importImage(named("docker/named:v1"), 1000);
  const digest = readPushedDigest((await docker("push", named("docker/named:v1"))).stdout);
  await docker("rmi", named("docker/named:v1"));
  assert.match((await docker("pull", named("docker/named:v1"))).stdout, new RegExp(`Digest: ${digest}`));
});

test("docker says that the manifest is unknown when a tag does not exist", async () => {
  await shared.api.pushImage("docker/unknown", buildImage(), "v1");
  await assert.rejects(docker("pull", shared.at("docker/unknown:v2")), /manifest unknown/);
});
