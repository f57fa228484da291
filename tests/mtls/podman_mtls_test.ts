/** podman and buildah over mTLS, with their files in /etc/containers/certs.d/HOST:PORT. */
import assert from "node:assert/strict";
import { randomBytes } from "../harness/build_images.ts";
import { REGISTRY_NAME } from "../harness/certificates.ts";
import { withPrivateMounts } from "../harness/private_mounts.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople, type Person, REASONS, writePair } from "./identity_files.ts";

const needs = { programs: ["podman", "buildah", "unshare"], root: true };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);

const host = () => `${REGISTRY_NAME}:${shared.registry.port}`;
const at = (name: string) => `${host()}/${name}`;
const certsDir = () => `${shared.workDir}/certs.d`;
const storage = () => ["--root", `${shared.workDir}/root`, "--runroot", `${shared.workDir}/runroot`];

if (describeMissing(needs) === undefined) {
  Deno.test.beforeAll(async () => {
    await Deno.mkdir(`${certsDir()}/${host()}`, { recursive: true });
    await Deno.copyFile(shared.registry.caFile, `${certsDir()}/${host()}/ca.crt`);
    await Deno.writeFile(`${shared.workDir}/root.tar`, makeTar({ "random.bin": randomBytes(1000) }));
  });
}

async function run(person: Person | undefined, ...argv: string[]): Promise<string> {
  await writePair(`${certsDir()}/${host()}`, person && people[person]);
  const { stdout } = await shared.run(withPrivateMounts(argv, { containersCertsDir: certsDir() }));
  return stdout.trim();
}

async function podman(person: Person | undefined, ...args: string[]): Promise<string> {
  const settings = ["--tmpdir", `${shared.workDir}/tmp`, "--storage-driver", "vfs"];
  const quiet = ["--cgroup-manager", "cgroupfs", "--events-backend", "none", "--log-level", "error"];
  return await run(person, "podman", ...storage(), ...settings, ...quiet, ...args);
}

async function importImage(name: string): Promise<void> {
  await podman(undefined, "import", "--quiet", `${shared.workDir}/root.tar`, at(name));
}

test("podman pushes and pulls with a client certificate of an intermediate", async () => {
  await importImage("app/one:v1");
  await podman("admin", "push", "--digestfile", `${shared.workDir}/digest`, at("app/one:v1"));
  const digest = await Deno.readTextFile(`${shared.workDir}/digest`);
  assert.equal(await shared.api.findDigest("app/one", "v1"), digest);
  await podman("admin", "rmi", at("app/one:v1"));
  await podman("admin", "pull", at("app/one:v1"));
});

test("buildah pushes and pulls with a client certificate", async () => {
  const buildah = (...args: string[]) =>
    run("admin", "buildah", ...storage(), "--storage-driver", "vfs", ...args);
  const base = await buildah("from", "scratch");
  await buildah("add", base, `${shared.workDir}/root.tar`, "/");
  await buildah("commit", "--rm", base, at("app/built:v1"));
  await buildah("push", at("app/built:v1"));
  await buildah("rmi", at("app/built:v1"));
  await buildah("pull", at("app/built:v1"));
});

test("podman pulls with a certificate that may only pull, and reads why its push is refused", async () => {
  await importImage("app/two:v1");
  await podman("admin", "push", at("app/two:v1"));
  await podman("developer", "pull", at("app/two:v1"));
  await podman(undefined, "tag", at("app/two:v1"), at("app/other:v1"));
  await assert.rejects(
    podman("developer", "push", at("app/other:v1")),
    /denied: Access denied: no rule of the global access policy allows start-upload in \\?"app\/other\\?"/,
  );
});

test("podman without a certificate reads that it has to authenticate", async () => {
  await importImage("app/three:v1");
  const reason = /unauthorized: Authentication required: no rule of the global access policy allows/;
  await assert.rejects(podman(undefined, "pull", at("app/two:v1")), reason);
  await assert.rejects(podman(undefined, "push", at("app/three:v1")), reason);
});

for (const [person, reason] of Object.entries(REASONS) as [keyof typeof REASONS, RegExp][]) {
  test(`podman reads on pull why a certificate is refused that is ${person}`, async () => {
    await assert.rejects(podman(person, "pull", at("app/one:v1")), reason);
  });

  test(`podman reads on push why a certificate is refused that is ${person}`, async () => {
    await importImage(`app/${person}:v1`);
    await assert.rejects(podman(person, "push", at(`app/${person}:v1`)), reason);
    assert.equal(await shared.api.findDigest(`app/${person}`, "v1"), undefined);
  });
}
