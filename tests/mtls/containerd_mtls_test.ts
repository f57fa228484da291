/** containerd's ctr over mTLS, with `client` in the hosts.toml of HOST:PORT. */
import assert from "node:assert/strict";
import { buildImage } from "../harness/build_images.ts";
import { type ClientEngine, startContainerd } from "../harness/client_engines.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople, type Person, REASONS, writePair } from "./identity_files.ts";

const needs = { programs: ["ctr", "containerd", "unshare"], root: true };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);
let engine: ClientEngine & { readonly hostsDir: string };

if (describeMissing(needs) === undefined) {
  Deno.test.beforeAll(async () => {
    engine = await startContainerd(shared.registry);
  });
  Deno.test.afterAll(() => engine[Symbol.asyncDispose]());
}

/** What a hosts.toml for one registry holds, as the how-to writes it. */
async function writeHosts(person: Person | undefined): Promise<void> {
  const folder = `${engine.hostsDir}/${shared.registry.host}`;
  await writePair(folder, person && people[person]);
  const lines = [
    `server = "${shared.registry.url}"`,
    `[host."${shared.registry.url}"]`,
    `ca = "${shared.registry.caFile}"`,
    ...(person === undefined ? [] : [`client = [["${folder}/client.cert", "${folder}/client.key"]]`]),
  ];
  await Deno.writeTextFile(`${folder}/hosts.toml`, lines.join("\n") + "\n");
}

async function ctr(person: Person | undefined, command: "pull" | "push", ...args: string[]): Promise<string> {
  await writeHosts(person);
  const common = ["images", command, "--hosts-dir", engine.hostsDir];
  return (await engine.run([...common, ...(command === "pull" ? ["--snapshotter", "native"] : []), ...args]))
    .stdout;
}

test("ctr pushes and pulls with a client certificate of an intermediate", async () => {
  const image = buildImage();
  await shared.api.pushImage("app/one", image, "v1");
  await ctr("admin", "pull", "--platform", "linux/amd64", shared.at("app/one:v1"));
  await ctr("admin", "push", shared.at("app/copy:v1"), shared.at("app/one:v1"));
  assert.equal(await shared.api.findDigest("app/copy", "v1"), image.manifest.digest);
});

test("ctr pulls with a certificate that may only pull, and its push prints the status only", async () => {
  await shared.api.pushImage("app/two", buildImage(), "v1");
  await ctr("developer", "pull", "--platform", "linux/amd64", shared.at("app/two:v1"));
  await assert.rejects(
    ctr("developer", "push", shared.at("app/other:v1"), shared.at("app/two:v1")),
    /403 Forbidden/,
  );
  assert.equal(await shared.api.findDigest("app/other", "v1"), undefined);
});

test("ctr without a certificate prints the status only", async () => {
  await shared.api.pushImage("app/three", buildImage(), "v1");
  await assert.rejects(
    ctr(undefined, "pull", shared.at("app/three:v1")),
    /401 Unauthorized|authorization failed/,
  );
});

for (const person of Object.keys(REASONS) as (keyof typeof REASONS)[]) {
  test(`ctr prints the status only for a certificate that is ${person}, and pulls and pushes nothing`, async () => {
    await shared.api.pushImage(`app/${person}`, buildImage(), "v1");
    await assert.rejects(ctr(person, "pull", shared.at(`app/${person}:v1`)), /403 Forbidden/);
    await ctr("admin", "pull", "--platform", "linux/amd64", shared.at(`app/${person}:v1`));
    await assert.rejects(
      ctr(person, "push", shared.at(`app/${person}:v2`), shared.at(`app/${person}:v1`)),
      /403 Forbidden/,
    );
    assert.equal(await shared.api.findDigest(`app/${person}`, "v2"), undefined);
  });
}
