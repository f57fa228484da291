/** regctl (regclient) copies images, walks referrers and checks every upload range. */

import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, buildIndex, randomBytes, writeOciLayout } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const needs = { programs: ["regctl"] };
const shared = shareRegistry(needs);
const test = testWith(needs);

async function regctl(args: string[], stdin?: Uint8Array | string): Promise<string> {
  const options = stdin === undefined ? {} : { stdin };
  const trust = ["registry", "set", shared.registry.host, "--tls", "enabled"];
  await shared.run(["regctl", ...trust, "--cacert", shared.registry.caPem, "--skip-check"]);
  return (await shared.run(["regctl", ...args], options)).stdout;
}

test("regctl copies an OCI layout into the registry and exports it again", async () => {
  const image = buildImage({ layerSizes: [1_100_000, 7] });
  await writeOciLayout(`${shared.workDir}/layout`, image, "v1");
  await regctl(["image", "copy", "ocidir://layout:v1", shared.at("regctl/layout:v1")]);
  assert.equal(await shared.api.findDigest("regctl/layout", "v1"), image.manifest.digest);
  await regctl(["image", "export", shared.at("regctl/layout:v1"), "exported.tar"]);
  await regctl(["image", "import", shared.at("regctl/imported:v1"), "exported.tar"]);
  assert.equal(await shared.api.findDigest("regctl/imported", "v1"), image.manifest.digest);
});

test("regctl copies an index between repositories by mounting", async () => {
  const built = buildIndex();
  await shared.api.pushImage("regctl/copy/from", built, "v1");
  await regctl(["image", "copy", shared.at("regctl/copy/from:v1"), shared.at("regctl/copy/to:v1")]);
  assert.equal(await shared.api.findDigest("regctl/copy/to", "v1"), built.index.digest);
});

test("regctl pushes a blob in small chunks", async () => {
  const bytes = randomBytes(1_000_000);
  const settings = ["--blob-chunk", "100000", "--blob-max", "1000"];
  await regctl(["version"]);
  await shared.run(["regctl", "registry", "set", shared.registry.host, ...settings, "--skip-check"]);
  const put = await shared.run(["regctl", "blob", "put", shared.at("regctl/chunks")], { stdin: bytes });
  const got = await shared.run(["regctl", "blob", "get", shared.at("regctl/chunks"), put.stdout.trim()]);
  assertSameBytes(got.stdoutBytes, bytes);
});

test("regctl lists tags and removes one while the manifest stays under the other", async () => {
  const image = buildImage();
  await shared.api.pushImage("regctl/tags", image, "v1");
  await shared.api.pushManifest("regctl/tags", image.manifest, "v2");
  assert.equal(await regctl(["tag", "ls", shared.at("regctl/tags")]), "v1\nv2\n");
  await regctl(["tag", "rm", shared.at("regctl/tags:v1")]);
  assert.equal(await regctl(["tag", "ls", shared.at("regctl/tags")]), "v2\n");
  assert.equal(await shared.api.findDigest("regctl/tags", "v2"), image.manifest.digest);
});

test("regctl puts an artifact with a subject and shows it in the tree of referrers", async () => {
  const image = buildImage();
  await shared.api.pushImage("regctl/tree", image, "v1");
  const put = ["artifact", "put", "--subject", shared.at("regctl/tree:v1")];
  await regctl([...put, "--artifact-type", "application/vnd.test.signature"], "signed");
  const tree = await regctl(["artifact", "tree", shared.at("regctl/tree:v1")]);
  assert.match(tree, /application\/vnd\.test\.signature/);
  const list = ["artifact", "list", "--format", "{{range .Descriptors}}{{.ArtifactType}}{{end}}"];
  const filter = ["--filter-artifact-type", "application/vnd.test.signature"];
  assert.equal((await regctl([...list, ...filter, shared.at("regctl/tree:v1")])).trim(), filter[1]);
});

test("regctl copies an image together with its referrers and digest tags", async () => {
  const image = buildImage();
  await shared.api.pushImage("regctl/referrers/from", image, "v1");
  const put = ["artifact", "put", "--subject", shared.at("regctl/referrers/from:v1")];
  await regctl([...put, "--artifact-type", "application/vnd.test.sbom"], "{}");
  const copy = ["image", "copy", "--referrers", "--digest-tags"];
  await regctl([...copy, shared.at("regctl/referrers/from:v1"), shared.at("regctl/referrers/to:v1")]);
  const tree = await regctl(["artifact", "tree", shared.at("regctl/referrers/to:v1")]);
  assert.match(tree, /application\/vnd\.test\.sbom/);
});

test("regctl reads the head of a manifest and lists the repositories", async () => {
  const image = buildImage();
  await shared.api.pushImage("regctl/head", image, "v1");
  assert.equal(
    (await regctl(["manifest", "head", shared.at("regctl/head:v1")])).trim(),
    image.manifest.digest,
  );
  assert.ok((await regctl(["repo", "ls", shared.registry.host])).split("\n").includes("regctl/head"));
});

test("regctl deletes a manifest by digest", async () => {
  const image = buildImage();
  await shared.api.pushImage("regctl/delete", image, "v1");
  await regctl(["manifest", "delete", shared.at(`regctl/delete@${image.manifest.digest}`)]);
  assert.equal(await shared.api.findDigest("regctl/delete", "v1"), undefined);
});
