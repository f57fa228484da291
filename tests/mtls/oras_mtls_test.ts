/** oras over mTLS, with --cert-file and --key-file. */
import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { randomBytes } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople, type Person, REASONS, writePair } from "./identity_files.ts";

const needs = { programs: ["oras"] };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);

async function oras(person: Person | undefined, ...args: string[]): Promise<string> {
  const folder = `${shared.workDir}/${person ?? "nobody"}`;
  await writePair(folder, person && people[person]);
  const pair = ["--cert-file", `${folder}/client.cert`, "--key-file", `${folder}/client.key`];
  const identity = ["--ca-file", shared.registry.caFile, ...(person === undefined ? [] : pair)];
  return (await shared.run(["oras", ...args, ...identity])).stdout;
}

/** Pushes one random file as an artifact; gives its bytes. */
async function push(person: Person | undefined, name: string): Promise<Uint8Array> {
  const bytes = randomBytes(1000);
  await Deno.writeFile(`${shared.workDir}/file.bin`, bytes);
  await oras(person, "push", shared.at(name), "file.bin");
  return bytes;
}

test("oras pushes and pulls with a client certificate of an intermediate", async () => {
  const bytes = await push("admin", "app/one:v1");
  await oras("admin", "pull", "--output", "pulled", shared.at("app/one:v1"));
  assertSameBytes(await Deno.readFile(`${shared.workDir}/pulled/file.bin`), bytes);
});

test("oras pulls with a certificate that may only pull, and reads why its push is refused", async () => {
  await push("admin", "app/two:v1");
  await oras("developer", "pull", "--output", "again", shared.at("app/two:v1"));
  await assert.rejects(
    push("developer", "app/two:v2"),
    /denied: Access denied: no rule of the global access policy allows start-upload in "app\/two"/,
  );
});

test("oras without a certificate reads on pull that it has to authenticate, on push the status only", async () => {
  await push("admin", "app/three:v1");
  await assert.rejects(
    oras(undefined, "manifest", "fetch", shared.at("app/three:v1")),
    /unauthorized: Authentication required: no rule of the global access policy allows get-manifest/,
  );
  await assert.rejects(push(undefined, "app/three:v2"), /response status code 401: Unauthorized/);
});

for (const [person, reason] of Object.entries(REASONS) as [keyof typeof REASONS, RegExp][]) {
  test(`oras reads why a certificate is refused that is ${person} on fetch, and on push the status only`, async () => {
    await push("admin", `app/${person}:v1`);
    await assert.rejects(oras(person, "manifest", "fetch", shared.at(`app/${person}:v1`)), reason);
    await assert.rejects(push(person, `app/${person}:v2`), /response status code 403: Forbidden/);
    assert.equal(await shared.api.findDigest(`app/${person}`, "v2"), undefined);
  });
}
