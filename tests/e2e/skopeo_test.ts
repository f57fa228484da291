/** skopeo (containers/image, also under podman and buildah) copies images in every format. */

import assert from "node:assert/strict";
import { buildImage, buildIndex, writeOciLayout } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const needs = { programs: ["skopeo"] };
const shared = shareRegistry(needs);
const test = testWith(needs);

async function skopeo(...args: string[]): Promise<string> {
  return (await shared.runIsolated(["skopeo", "--override-arch", "amd64", ...args])).stdout;
}

const to = () => ["--dest-cert-dir", shared.certDir];
const from = () => ["--src-cert-dir", shared.certDir];
const docker = (name: string) => `docker://${shared.at(name)}`;

async function digestInLayout(directory: string): Promise<string> {
  return JSON.parse(await Deno.readTextFile(`${directory}/index.json`)).manifests[0].digest;
}

test("skopeo copies an OCI layout into the registry and back with the same digest", async () => {
  const image = buildImage({ layerSizes: [3_000_000, 20] });
  await writeOciLayout(`${shared.workDir}/one`, image, "v1");
  await skopeo("copy", ...to(), "oci:one:v1", docker("skopeo/one:v1"));
  assert.equal(await shared.api.findDigest("skopeo/one", "v1"), image.manifest.digest);
  await skopeo("copy", ...from(), docker("skopeo/one:v1"), "oci:one-back:v1");
  assert.equal(await digestInLayout(`${shared.workDir}/one-back`), image.manifest.digest);
});

test("skopeo copies a whole index with --all into the registry and back with the same digest", async () => {
  const built = buildIndex();
  await writeOciLayout(`${shared.workDir}/multi`, built, "v1");
  await skopeo("copy", "--all", ...to(), "oci:multi:v1", docker("skopeo/multi:v1"));
  assert.equal(await shared.api.findDigest("skopeo/multi", "v1"), built.index.digest);
  await skopeo("copy", "--all", ...from(), docker("skopeo/multi:v1"), "oci:multi-back:v1");
  assert.equal(await digestInLayout(`${shared.workDir}/multi-back`), built.index.digest);
});

test("skopeo pushes in Docker's schema 2 format and the registry keeps its media type", async () => {
  await writeOciLayout(`${shared.workDir}/v2s2`, buildImage(), "v1");
  await skopeo("copy", "--format", "v2s2", ...to(), "oci:v2s2:v1", docker("skopeo/v2s2:v1"));
  const manifest = JSON.parse(
    await skopeo("inspect", "--raw", "--cert-dir", shared.certDir, docker("skopeo/v2s2:v1")),
  );
  assert.equal(manifest.mediaType, "application/vnd.docker.distribution.manifest.v2+json");
});

test("skopeo copies a Docker manifest list from one repository to another without changing it", async () => {
  const built = buildIndex({ docker: true });
  await shared.api.pushImage("skopeo/list/from", built, "v1");
  const args = ["copy", "--all", "--preserve-digests", ...from(), ...to()];
  await skopeo(...args, docker("skopeo/list/from:v1"), docker("skopeo/list/to:v1"));
  assert.equal(await shared.api.findDigest("skopeo/list/to", "v1"), built.index.digest);
});

test("skopeo recompresses layers to zstd on a push and reads them back", async () => {
  await writeOciLayout(`${shared.workDir}/zstd`, buildImage(), "v1");
  await skopeo(
    ...["copy", "--format", "oci", "--dest-compress-format", "zstd", "--dest-compress", ...to()],
    ...["oci:zstd:v1", docker("skopeo/zstd:v1")],
  );
  await skopeo("copy", ...from(), docker("skopeo/zstd:v1"), "dir:zstd-back");
});

test("skopeo inspects an image and lists its tags", async () => {
  const image = buildImage();
  await shared.api.pushImage("skopeo/inspect", image, "v1");
  await shared.api.pushManifest("skopeo/inspect", image.manifest, "v2");
  const args = ["--cert-dir", shared.certDir];
  const inspected = JSON.parse(await skopeo("inspect", ...args, docker("skopeo/inspect:v1")));
  assert.equal(inspected.Digest, image.manifest.digest);
  assert.deepEqual(inspected.RepoTags, ["v1", "v2"]);
  const listed = JSON.parse(await skopeo("list-tags", ...args, docker("skopeo/inspect")));
  assert.deepEqual(listed.Tags, ["v1", "v2"]);
});

test("skopeo deletes an image", async () => {
  await shared.api.pushImage("skopeo/delete", buildImage(), "v1");
  await skopeo("delete", "--cert-dir", shared.certDir, docker("skopeo/delete:v1"));
  assert.equal(await shared.api.findDigest("skopeo/delete", "v1"), undefined);
});

test("skopeo syncs a repository to a folder and from the folder into another repository", async () => {
  const built = buildIndex();
  await shared.api.pushImage("skopeo/sync", built, "v1");
  await shared.api.pushImage("skopeo/sync", buildImage(), "v2");
  const common = ["sync", "--all", "--preserve-digests"];
  await skopeo(...common, ...from(), "--src", "docker", "--dest", "dir", shared.at("skopeo/sync"), "synced");
  await skopeo(...common, ...to(), "--src", "dir", "--dest", "docker", "synced", shared.at("mirror"));
  assert.equal(await shared.api.findDigest("mirror/sync", "v1"), built.index.digest);
  const listed = JSON.parse(
    await skopeo("list-tags", "--cert-dir", shared.certDir, docker("mirror/sync")),
  );
  assert.deepEqual(listed.Tags, ["v1", "v2"]);
});

test("skopeo refuses the registry when it does not know its authority", async () => {
  await writeOciLayout(`${shared.workDir}/distrust`, buildImage(), "v1");
  const failed = await shared.runFailing(["skopeo", "copy", "oci:distrust:v1", docker("skopeo/distrust:v1")]);
  assert.match(failed.stderr, /certificate signed by unknown authority/);
});
