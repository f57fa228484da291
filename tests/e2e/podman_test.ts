/** podman and buildah, with storage of their own, push to and pull from the registry. */

import assert from "node:assert/strict";
import { buildImage, buildIndex, randomBytes } from "../harness/build_images.ts";
import { REGISTRY_NAME } from "../harness/certificates.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";

const needs = { programs: ["podman", "buildah", "unshare"], root: true };
const shared = shareRegistry(needs);
const test = testWith(needs);

const storage = () => ["--root", `${shared.workDir}/root`, "--runroot", `${shared.workDir}/runroot`];
const trust = () => ["--cert-dir", shared.certDir];
const named = (name: string) => `${REGISTRY_NAME}:${shared.registry.port}/${name}`;

async function podman(...args: string[]): Promise<string> {
  const settings = ["--tmpdir", `${shared.workDir}/tmp`, "--storage-driver", "vfs"];
  const quiet = ["--cgroup-manager", "cgroupfs", "--events-backend", "none", "--log-level", "error"];
  return (await shared.runIsolated(["podman", ...storage(), ...settings, ...quiet, ...args])).stdout.trim();
}

async function buildah(...args: string[]): Promise<string> {
  const { stdout } = await shared.runIsolated(["buildah", ...storage(), "--storage-driver", "vfs", ...args]);
  return stdout.trim();
}

async function importImage(reference: string, size: number): Promise<void> {
  await Deno.writeFile(`${shared.workDir}/root.tar`, makeTar({ "random.bin": randomBytes(size) }));
  await podman("import", "--quiet", `${shared.workDir}/root.tar`, reference);
}

test("podman pushes an image by name and pulls it again under the same digest", async () => {
  await importImage(named("podman/one:v1"), 4_000_000);
  await podman("push", ...trust(), "--digestfile", `${shared.workDir}/digest`, named("podman/one:v1"));
  const digest = await Deno.readTextFile(`${shared.workDir}/digest`);
  assert.equal(await shared.api.findDigest("podman/one", "v1"), digest);
  await podman("rmi", named("podman/one:v1"));
  await podman("pull", ...trust(), named("podman/one:v1"));
  assert.equal(await podman("inspect", "--format", "{{.Digest}}", named("podman/one:v1")), digest);
});

test("podman pulls an image by digest", async () => {
  const image = buildImage();
  await shared.api.pushImage("podman/by-digest", image, "v1");
  const reference = named(`podman/by-digest@${image.manifest.digest}`);
  await podman("pull", ...trust(), reference);
  assert.equal(await podman("inspect", "--format", "{{.Digest}}", reference), image.manifest.digest);
});

test("podman pulls the image of the asked architecture from an index", async () => {
  await shared.api.pushImage("podman/platforms", buildIndex(), "v1");
  await podman("pull", ...trust(), "--arch", "arm64", named("podman/platforms:v1"));
  assert.equal(
    await podman("inspect", "--format", "{{.Architecture}}", named("podman/platforms:v1")),
    "arm64",
  );
});

test("podman pushes Docker's schema 2 format and the registry keeps its media type", async () => {
  await importImage(named("podman/v2s2:v1"), 1000);
  await podman("push", ...trust(), "--format", "v2s2", named("podman/v2s2:v1"));
  const response = await shared.api.expect(200, "GET", "/v2/podman/v2s2/manifests/v1");
  await response.body?.cancel();
  assert.equal(
    response.headers.get("content-type"),
    "application/vnd.docker.distribution.manifest.v2+json",
  );
});

test("podman makes a manifest list and pushes it with its images", async () => {
  const image = buildImage();
  await shared.api.pushImage("podman/list", image, "one");
  const list = named("podman/list:all");
  await podman("manifest", "create", list);
  await podman("manifest", "add", ...trust(), list, `docker://${named("podman/list:one")}`);
  await podman("manifest", "push", "--all", ...trust(), list, `docker://${list}`);
  const response = await shared.api.expect(200, "GET", "/v2/podman/list/manifests/all");
  assert.equal((await response.json()).manifests[0].digest, image.manifest.digest);
});

test("buildah commits an image of two layers, pushes it and pulls it again", async () => {
  await Deno.writeFile(`${shared.workDir}/first`, randomBytes(200_000));
  await Deno.writeFile(`${shared.workDir}/second`, randomBytes(20));
  const base = await buildah("from", "scratch");
  await buildah("add", base, `${shared.workDir}/first`, "/first");
  await buildah("commit", "--rm", base, named("buildah/base:v1"));
  const derived = await buildah("from", "--pull-never", named("buildah/base:v1"));
  await buildah("add", derived, `${shared.workDir}/second`, "/second");
  await buildah("commit", "--rm", derived, named("buildah/derived:v1"));
  await buildah("push", ...trust(), "--digestfile", `${shared.workDir}/built`, named("buildah/derived:v1"));
  const digest = await Deno.readTextFile(`${shared.workDir}/built`);
  assert.equal(await shared.api.findDigest("buildah/derived", "v1"), digest);
  await buildah("rmi", "--all", "--force");
  await buildah("pull", ...trust(), named("buildah/derived:v1"));
});
