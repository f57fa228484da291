/** Bundles between real clients: what docker and oras push comes over for podman and regctl, and archives go both ways. */
import assert from "node:assert/strict";
import { buildImage, buildIndex, type BuiltIndex, randomBytes } from "../harness/build_images.ts";
import { startDockerd } from "../harness/client_engines.ts";
import { testWith } from "../harness/real_clients.ts";
import { registryProgram } from "../harness/start_registry.ts";
import { type SharedRegistry, shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";

const tools = { programs: ["skopeo", "crane", "oras", "regctl"] };
const engines = {
  programs: [...tools.programs, "docker", "dockerd", "containerd", "podman", "unshare"],
  root: true,
};
const outside = shareRegistry(tools);
const inside = shareRegistry(tools);

/** Runs the program on the data of a registry, in the folder of the outer one. */
async function program(of: SharedRegistry, ...args: string[]): Promise<string> {
  const config = `${of.workDir}/program.toml`;
  await Deno.writeTextFile(config, `[blob_store.fs]\nroot_dir = ${JSON.stringify(of.registry.rootDir)}\n`);
  return (await outside.run([...await registryProgram(), "-c", config, ...args])).stdout;
}

async function oras(of: SharedRegistry, ...args: string[]): Promise<string> {
  const { stdout } = await outside.run(["oras", ...args], { env: { SSL_CERT_FILE: of.registry.caFile } });
  return stdout;
}

async function regctl(of: SharedRegistry, ...args: string[]): Promise<string> {
  const trust = ["registry", "set", of.registry.host, "--tls", "enabled", "--cacert", of.registry.caPem];
  await of.run(["regctl", ...trust, "--skip-check"]);
  return (await of.run(["regctl", ...args], { cwd: outside.workDir })).stdout.trim();
}

async function crane(of: SharedRegistry, ...args: string[]): Promise<string> {
  const { stdout } = await outside.run(["crane", ...args], { env: { SSL_CERT_FILE: of.registry.caFile } });
  return stdout.trim();
}

async function skopeo(...args: string[]): Promise<string> {
  return (await outside.runIsolated(["skopeo", ...args], { cwd: outside.workDir })).stdout;
}

testWith(engines)(
  "what docker and oras push comes over in a bundle, and podman and regctl find the same digests",
  async () => {
    const image = outside.at("team/docker:v1");
    await using docker = await startDockerd(outside.registry);
    await docker.run(["import", "-", image], { stdin: makeTar({ "random.bin": randomBytes(2_000_000) }) });
    const pushed = /digest: (sha256:\w+)/.exec((await docker.run(["push", image])).stdout)![1]!;
    const [built, signature] = [buildIndex(), buildImage()];
    await outside.api.pushImage("seed", built, "v1");
    await oras(outside, "cp", outside.at("seed:v1"), outside.at("team/app:v1"));
    await Deno.writeTextFile(`${outside.workDir}/sbom.json`, "{}");
    const attach = ["attach", "--artifact-type", "application/vnd.test.sbom", "--format", "json"];
    const attached = JSON.parse(await oras(outside, ...attach, outside.at("team/app:v1"), "sbom.json"));
    const signatureTag = `${built.index.digest.replace(":", "-")}.sig`;
    await outside.api.pushImage("team/app", signature, signatureTag);
    await program(outside, "export", "--bundle", "first.tar", "team/*");

    await program(inside, "import", "first.tar");
    const podman = ["podman", "--root", `${inside.workDir}/root`, "--runroot", `${inside.workDir}/runroot`];
    const quiet = [
      "--tmpdir",
      `${inside.workDir}/tmp`,
      "--storage-driver",
      "vfs",
      "--events-backend",
      "none",
    ];
    const run = async (...args: string[]) =>
      (await inside.runIsolated([...podman, ...quiet, "--cgroup-manager", "cgroupfs", ...args])).stdout
        .trim();
    await run("pull", "--cert-dir", inside.certDir, inside.at("team/docker:v1"));
    assert.equal(await run("inspect", "--format", "{{.Digest}}", inside.at("team/docker:v1")), pushed);
    assert.equal(await regctl(inside, "manifest", "head", inside.at("team/app:v1")), built.index.digest);
    await regctl(inside, "image", "export", inside.at("team/app:v1"), "back.tar");
    assert.equal(
      await regctl(inside, "manifest", "head", inside.at(`team/app:${signatureTag}`)),
      signature.manifest.digest,
    );
    const tree = await regctl(inside, "artifact", "tree", inside.at("team/app:v1"));
    assert.ok(tree.includes(attached.digest), tree);

    const later = buildImage();
    await outside.api.pushImage("team/app", later, "v2");
    const args = ["export", "--bundle", "second.tar", "team/*", "--since", "first.tar", "--json"];
    const report = JSON.parse(await program(outside, ...args));
    assert.equal(report.blobs, later.layers.length + 1);
    await program(inside, "import", "second.tar");
    assert.equal(await regctl(inside, "manifest", "head", inside.at("team/app:v2")), later.manifest.digest);
  },
);

const test = testWith(tools);

test("skopeo, oras, regctl and crane read a bundle as the image layout that it is", async () => {
  const built = buildIndex();
  await outside.api.pushImage("readable", built, "v1");
  await program(outside, "export", "--bundle", "readable.tar", "readable:v1");
  const names = ["skopeo", "oras", "regctl", "crane"].map((tool) => `read/${tool}`);
  const to = ["--dest-cert-dir", inside.certDir];
  await skopeo(
    "copy",
    "--all",
    ...to,
    "oci-archive:readable.tar:v1",
    `docker://${inside.at("read/skopeo:v1")}`,
  );
  await oras(inside, "cp", "--from-oci-layout", "readable.tar:v1", inside.at("read/oras:v1"));
  await regctl(inside, "image", "import", inside.at("read/regctl:v1"), "readable.tar");
  await outside.run(["sh", "-c", "mkdir readable && tar -xf readable.tar -C readable"]);
  await crane(inside, "push", "--index", "readable", inside.at("read/crane:v1"));
  for (const name of names.slice(0, 3)) {
    assert.equal(await inside.api.findDigest(name, "v1"), built.index.digest, name);
  }
  // crane pushes the index of the layout itself, which names ours.
  const pushed = await inside.api.expect(200, "GET", "/v2/read/crane/manifests/v1");
  assert.equal((await pushed.json()).manifests[0].digest, built.index.digest);
});

test("archives that skopeo, oras, regctl and crane write are imported with their digests", async () => {
  const built: BuiltIndex = buildIndex();
  await outside.api.pushImage("source", built, "v1");
  const from = ["--src-cert-dir", outside.certDir];
  await skopeo("copy", "--all", ...from, `docker://${outside.at("source:v1")}`, "oci-archive:skopeo.tar:v1");
  await skopeo(
    ...["copy", "--all", ...from, `docker://${outside.at("source:v1")}`],
    "oci-archive:named.tar:docker.io/team/named:v3",
  );
  await oras(outside, "cp", "--to-oci-layout", outside.at("source:v1"), "oras-layout:v1");
  await regctl(outside, "image", "export", outside.at("source:v1"), "regctl.tar");
  await crane(outside, "pull", "--format=oci", outside.at("source:v1"), "crane-layout");
  for (const tool of ["oras", "crane"]) {
    await outside.run(["tar", "-C", `${tool}-layout`, "-cf", `${tool}.tar`, "."]);
  }
  for (const tool of ["skopeo", "oras", "regctl"]) {
    await program(inside, "import", `${tool}.tar`, "--repository", `came/${tool}`);
    assert.equal(await inside.api.findDigest(`came/${tool}`, "v1"), built.index.digest, tool);
  }
  await program(inside, "import", "named.tar");
  assert.equal(await inside.api.findDigest("team/named", "v3"), built.index.digest);
  // crane names nothing: it comes without a tag.
  await program(inside, "import", "crane.tar", "--repository", "came/crane");
  assert.equal(await inside.api.findDigest("came/crane", built.index.digest), built.index.digest);
});
