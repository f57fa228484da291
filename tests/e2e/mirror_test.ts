/** docker and containerd pull through a mirror, whose upstream is another registry of this kind behind mutual TLS. */

import assert from "node:assert/strict";
import { makePeople } from "../mtls/identity_files.ts";
import { buildImage, buildIndex } from "../harness/build_images.ts";
import { startContainerd, startDockerd } from "../harness/client_engines.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { testWith } from "../harness/real_clients.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";

const people = makePeople();
const FOLDER = await Deno.makeTempDir({ prefix: "mirror-" });
let upstream: RunningRegistry;
let mirror: RunningRegistry;
let api: RegistryApi;

Deno.test.beforeAll(async () => {
  upstream = await startRegistry({
    clientAuth: people.clientAuth,
    config: `[global.access_policy]
rules = [
  "identity.certificate.common_names.contains('admin')",
  "identity.certificate.common_names.contains('dev') && request.action in ['get-manifest', 'get-blob', 'list-tags', 'get-referrers']",
]`,
  });
  api = new RegistryApi(upstream, people.admin);
  await Deno.writeTextFile(`${FOLDER}/dev.pem`, people.developer.certificatePem);
  await Deno.writeTextFile(`${FOLDER}/dev.key`, people.developer.keyPem);
  const source = `url = "${upstream.url}"
allowed_addresses = ["127.0.0.1"]
server_ca_bundle = "${upstream.caFile}"
client_certificate = "${FOLDER}/dev.pem"
client_private_key = "${FOLDER}/dev.key"`;
  mirror = await startRegistry({
    config: `[global.access_policy]
default_allow = true
[repository."dockerhub"]
namespace = "docker.io"
unprefixed = true
[[repository."dockerhub".upstream]]
${source}
[repository."quay"]
namespace = "quay.example"
[[repository."quay".upstream]]
${source.replace(/url = "(.*)"/, 'url = "$1/quay"')}
[repository."team"]`,
  });
});

Deno.test.afterAll(async () => {
  api[Symbol.dispose]();
  await mirror[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await Deno.remove(FOLDER, { recursive: true });
});

const containerd = { programs: ["ctr", "containerd", "unshare"], root: true };
const docker = { programs: ["docker", "dockerd", "containerd", "unshare"], root: true };

testWith(containerd)(
  "containerd pulls images of docker.io and of others through the mirror, all of it by ?ns=",
  async () => {
    const [hub, quay] = [buildIndex({ layerSizes: [1_000_000, 50] }), buildImage()];
    await api.pushImage("library/containerd", hub, "v1");
    await api.pushImage("quay/org/app", quay, "v1");
    await using engine = await startContainerd(mirror);
    await Deno.mkdir(`${engine.hostsDir}/_default`);
    await Deno.writeTextFile(
      `${engine.hostsDir}/_default/hosts.toml`,
      `[host."${mirror.url}"]\ncapabilities = ["pull", "resolve"]\nca = "${mirror.caFile}"\n`,
    );
    const pull = (...args: string[]) =>
      engine.run(["images", "pull", "--hosts-dir", engine.hostsDir, "--snapshotter", "native", ...args]);
    await pull("--all-platforms", "docker.io/library/containerd:v1");
    await pull("--platform", "linux/amd64", "quay.example/org/app:v1");
    const listed = (await engine.run(["images", "ls"])).stdout;
    for (const { digest } of [hub.index, quay.manifest]) assert.ok(listed.includes(digest), listed);
    using mirrored = new RegistryApi(mirror);
    assert.equal(await mirrored.findDigest("dockerhub/library/containerd", "v1"), hub.index.digest);
    assert.equal(await mirrored.findDigest("quay/org/app", "v1"), quay.manifest.digest);
  },
);

testWith(docker)(
  "docker pulls images of docker.io through the mirror, which it names in registry-mirrors",
  async () => {
    const image = buildImage({ layerSizes: [3_000_000, 50] });
    await api.pushImage("library/docker", image, "v1");
    await using engine = await startDockerd(mirror, [`--registry-mirror=${mirror.url}`]);
    const { stdout } = await engine.run(["pull", "docker:v1"]);
    assert.match(stdout, new RegExp(`Digest: ${image.manifest.digest}`));
    using mirrored = new RegistryApi(mirror);
    assert.equal(await mirrored.findDigest("dockerhub/library/docker", "v1"), image.manifest.digest);
  },
);

testWith({ programs: ["skopeo"] })(
  "skopeo copies a whole index from the mirror by its own name",
  async () => {
    const built = buildIndex({ docker: true });
    await api.pushImage("library/skopeo", built, "v1");
    const target = `${FOLDER}/copy`;
    const command = new Deno.Command("skopeo", {
      args: [
        ...["copy", "--all", "--src-cert-dir", `${FOLDER}/ca`],
        ...[`docker://${mirror.host}/dockerhub/library/skopeo:v1`, `dir:${target}`],
      ],
      stderr: "piped",
    });
    await Deno.mkdir(`${FOLDER}/ca`, { recursive: true });
    await Deno.copyFile(mirror.caFile, `${FOLDER}/ca/ca.crt`);
    const { success, stderr } = await command.output();
    assert.ok(success, new TextDecoder().decode(stderr));
    for (const { layers } of built.images) {
      for (const { digest } of layers) await Deno.stat(`${target}/${digest.slice("sha256:".length)}`);
    }
  },
);

testWith({ programs: ["crane"] })("a push into the mirror is refused, and crane shows why", async () => {
  const { success, stderr } = await new Deno.Command("crane", {
    args: ["append", "--insecure", "-f", "/dev/null", "-t", `${mirror.host}/dockerhub/mine:v1`],
    env: { DOCKER_CONFIG: FOLDER },
    stderr: "piped",
  }).output();
  assert.ok(!success);
  assert.match(new TextDecoder().decode(stderr), /it is a mirror of https:\/\/127\.0\.0\.1:/);
});
