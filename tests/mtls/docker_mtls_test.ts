/** docker over mTLS, with its files in /etc/docker/certs.d/HOST:PORT: who may pushes and pulls, who may not reads why. */
import assert from "node:assert/strict";
import { randomBytes } from "../harness/build_images.ts";
import { startRemoteDockerd } from "../harness/client_engines.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople, type Person, REASONS, writePair } from "./identity_files.ts";

const needs = { programs: ["docker", "dockerd", "containerd", "unshare"], root: true };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);
let engine: Awaited<ReturnType<typeof startRemoteDockerd>>;

if (describeMissing(needs) === undefined) {
  Deno.test.beforeAll(async () => {
    engine = await startRemoteDockerd(shared.registry);
  });
  Deno.test.afterAll(() => engine[Symbol.asyncDispose]());
}

const at = (name: string) => `${engine.registryHost}/${name}`;

async function docker(person: Person | undefined, ...args: string[]): Promise<string> {
  await writePair(engine.certsDir, person && people[person]);
  return (await engine.run(args)).stdout;
}

/** Makes an image of one random layer in the engine. */
async function importImage(name: string): Promise<void> {
  await engine.run(["import", "-", at(name)], { stdin: makeTar({ "random.bin": randomBytes(1000) }) });
}

test("docker pushes and pulls with a client certificate of an intermediate", async () => {
  await importImage("app/one:v1");
  const pushed = await docker("admin", "push", at("app/one:v1"));
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1];
  assert.equal(await shared.api.findDigest("app/one", "v1"), digest);
  await docker("admin", "rmi", at("app/one:v1"));
  assert.match(await docker("admin", "pull", at("app/one:v1")), new RegExp(`Digest: ${digest}`));
});

test("docker pulls with a certificate that may only pull, and reads why its push is refused", async () => {
  await importImage("app/two:v1");
  await docker("admin", "push", at("app/two:v1"));
  await docker("developer", "pull", at("app/two:v1"));
  await importImage("app/two:v2");
  await assert.rejects(
    docker("developer", "push", at("app/two:v2")),
    /denied: Access denied: no rule of the global access policy allows start-upload in "app\/two"/,
  );
});

test("docker without a certificate reads that it has to authenticate", async () => {
  await importImage("app/three:v1");
  await docker("admin", "push", at("app/three:v1"));
  const reason = /unauthorized: Authentication required: no rule of the global access policy allows/;
  await assert.rejects(docker(undefined, "pull", at("app/three:v1")), reason);
  await assert.rejects(docker(undefined, "push", at("app/three:v1")), reason);
});

for (const [person, reason] of Object.entries(REASONS) as [keyof typeof REASONS, RegExp][]) {
  test(`docker reads why a certificate is refused that is ${person}, on pull and on push`, async () => {
    await importImage(`app/${person}:v1`);
    await assert.rejects(docker(person, "pull", at("app/one:v1")), reason);
    await assert.rejects(docker(person, "push", at(`app/${person}:v1`)), reason);
    assert.equal(await shared.api.findDigest(`app/${person}`, "v1"), undefined);
  });
}
