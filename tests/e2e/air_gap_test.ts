/** Clients of a closed network, set up as the document says, pull docker.io from what a signed bundle brought. */
import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { readPage } from "../docs/markdown.ts";
import { buildIndex, type BuiltImage } from "../harness/build_images.ts";
import { REGISTRY_NAME } from "../harness/certificates.ts";
import { startBuildkitd, startContainerd, startDockerd } from "../harness/client_engines.ts";
import { testWith } from "../harness/real_clients.ts";
import { registryProgram } from "../harness/start_registry.ts";
import { shareRegistry } from "../harness/shared_registry.ts";

const PAGE = readPage("docs/air-gapped-mirror.md");
const needs = { programs: ["openssl"] };
const outside = shareRegistry(needs);
const inside = shareRegistry(needs, { config: closedSide() });
const built = buildIndex({ layerSizes: [1_000_000, 50] });

/** What the page has for the registry of the closed side, without what a test decides for itself. */
function closedSide(): string {
  const { text } = PAGE.blocks.find(({ language, words }) =>
    language === "toml" && words[0] === "inside.toml"
  )!;
  return text.slice(text.indexOf("[global"));
}

/** A file of a client as the page shows it, for the registry of the test. */
function clientFile(name: string): string {
  const block = PAGE.blocks.find(({ words }) => words[0] === name) ?? assert.fail(`the page has no ${name}`);
  return block.text.replaceAll("registry.example.com:5000", inside.registry.host)
    .replaceAll("/etc/containerd/registry-ca.pem", inside.registry.caFile);
}

/** Carries the image over, once. */
const carried = (() => {
  let carrying: Promise<void> | undefined;
  return () => carrying ??= carry();
})();

async function carry(): Promise<void> {
  await outside.api.pushImage("dockerhub/library/app", built, "v1");
  const run = async (rootDir: string, ...args: string[]) => {
    const config = `${outside.workDir}/program.toml`;
    await Deno.writeTextFile(config, `[blob_store.fs]\nroot_dir = ${JSON.stringify(rootDir)}\n`);
    await outside.run([...await registryProgram(), "-c", config, ...args]);
  };
  await outside.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "bundle.key"]);
  await outside.run(["openssl", "pkey", "-in", "bundle.key", "-pubout", "-out", "bundle.pub"]);
  await run(
    outside.registry.rootDir,
    "export",
    "--bundle",
    "1.tar",
    "--sign-key",
    "bundle.key",
    "dockerhub/*",
  );
  await run(inside.registry.rootDir, "import", "1.tar", "--verify-key", "bundle.pub");
}

testWith({ programs: ["openssl", "ctr", "containerd", "unshare"], root: true })(
  "containerd pulls from the closed side by _default, with all platforms",
  async () => {
    await carried();
    await using engine = await startContainerd(inside.registry);
    await Deno.mkdir(`${engine.hostsDir}/_default`);
    await Deno.writeTextFile(`${engine.hostsDir}/_default/hosts.toml`, clientFile("hosts.toml"));
    const pull = ["images", "pull", "--hosts-dir", engine.hostsDir, "--snapshotter", "native"];
    await engine.run([...pull, "--all-platforms", "docker.io/library/app:v1"]);
    assert.ok((await engine.run(["images", "ls"])).stdout.includes(built.index.digest));
  },
);

testWith({ programs: ["openssl", "docker", "dockerd", "containerd", "unshare"], root: true })(
  "docker pulls from the closed side by registry-mirrors",
  async () => {
    await carried();
    const [mirror] = JSON.parse(clientFile("daemon.json"))["registry-mirrors"];
    await using engine = await startDockerd(inside.registry, [`--registry-mirror=${mirror}`]);
    const { stdout } = await engine.run(["pull", "app:v1"]);
    assert.ok(stdout.includes(`Digest: ${built.index.digest}`), stdout);
  },
);

testWith({ programs: ["openssl", "podman", "unshare"], root: true })(
  "podman pulls from the closed side by registries.conf",
  async () => {
    await carried();
    await Deno.writeTextFile(`${inside.workDir}/mirror.conf`, clientFile("mirror.conf"));
    const storage = ["--root", `${inside.workDir}/root`, "--runroot", `${inside.workDir}/runroot`];
    const quiet = [
      "--tmpdir",
      `${inside.workDir}/tmp`,
      "--storage-driver",
      "vfs",
      "--events-backend",
      "none",
    ];
    const podman = async (...args: string[]) =>
      (await inside.runIsolated(["podman", ...storage, ...quiet, "--cgroup-manager", "cgroupfs", ...args], {
        env: { CONTAINERS_REGISTRIES_CONF: `${inside.workDir}/mirror.conf` },
      })).stdout.trim();
    await podman("pull", "--cert-dir", inside.certDir, "--arch", "arm64", "docker.io/library/app:v1");
    const digests = await podman("inspect", "--format", "{{.RepoDigests}}", "docker.io/library/app:v1");
    assert.ok(digests.includes(built.index.digest), digests);
  },
);

testWith({ programs: ["openssl", "buildkitd", "buildctl", "runc", "unshare"], root: true })(
  "buildkit builds on an image of the closed side by buildkitd.toml",
  async () => {
    await carried();
    const { caFile, host, port } = inside.registry;
    const config = clientFile("buildkitd.toml").replaceAll("/etc/buildkit/registry-ca.pem", caFile)
      .replaceAll(host, `${REGISTRY_NAME}:${port}`);
    const folder = `${inside.workDir}/build`;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${folder}/Dockerfile`, "FROM app:v1\nLABEL built=here\n");
    await using engine = await startBuildkitd(config);
    const { stderr } = await engine.run([
      ...["build", "--progress=plain", "--frontend", "dockerfile.v0", "--opt", "platform=linux/amd64"],
      ...["--local", `context=${folder}`, "--local", `dockerfile=${folder}`],
      ...["--output", `type=oci,tar=false,dest=${folder}/image`],
    ]);
    assert.ok(stderr.includes(`FROM docker.io/library/app:v1@${built.index.digest}`), stderr);
    const [{ layers }] = built.images as [BuiltImage];
    for (const { digest, bytes } of layers) {
      const file = `${folder}/image/blobs/sha256/${digest.slice("sha256:".length)}`;
      assertSameBytes(await Deno.readFile(file), bytes);
    }
  },
);
