/** regctl over mTLS, with clientCert and clientKey in its configuration. */
import assert from "node:assert/strict";
import { buildImage } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople, type Person, REASONS } from "./identity_files.ts";

const needs = { programs: ["regctl"] };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);

async function regctl(person: Person | undefined, args: readonly string[], stdin?: string): Promise<string> {
  const identity = person && people[person];
  const host = {
    tls: "enabled",
    regcert: shared.registry.caPem,
    ...(identity && { clientCert: identity.certificatePem, clientKey: identity.keyPem }),
  };
  const config = `${shared.workDir}/${person ?? "nobody"}.json`;
  await Deno.writeTextFile(config, JSON.stringify({ hosts: { [shared.registry.host]: host } }));
  const env = { REGCTL_CONFIG: config };
  const { stdout } = await shared.run(["regctl", ...args], stdin === undefined ? { env } : { env, stdin });
  return stdout;
}

const pull = (person: Person | undefined, name: string) =>
  regctl(person, ["image", "export", shared.at(name), "exported.tar"]);
const putBlob = (person: Person | undefined, name: string) =>
  regctl(person, ["blob", "put", shared.at(name)], crypto.randomUUID());

test("regctl pulls and pushes with a client certificate of an intermediate", async () => {
  const image = buildImage();
  await shared.api.pushImage("app/one", image, "v1");
  await pull("admin", "app/one:v1");
  await regctl("admin", ["image", "import", shared.at("app/one:v2"), "exported.tar"]);
  assert.equal(await shared.api.findDigest("app/one", "v2"), image.manifest.digest);
});

test("regctl pulls with a certificate that may only pull, and reads why its push is refused", async () => {
  await shared.api.pushImage("app/two", buildImage(), "v1");
  await pull("developer", "app/two:v1");
  await assert.rejects(
    putBlob("developer", "app/two"),
    /Access denied: no rule of the global access policy allows start-upload in \\"app\/two\\"/,
  );
});

test("regctl without a certificate is told that the challenge is Mutual, and prints no more of the answer", async () => {
  await shared.api.pushImage("app/three", buildImage(), "v1");
  const printed = /Unsupported auth type" authtype=mutual[\s\S]*: unauthorized\n/;
  await assert.rejects(pull(undefined, "app/three:v1"), printed);
  await assert.rejects(putBlob(undefined, "app/three"), printed);
});

for (const [person, reason] of Object.entries(REASONS) as [keyof typeof REASONS, RegExp][]) {
  test(`regctl reads why a certificate is refused that is ${person}, on pull and on push`, async () => {
    await shared.api.pushImage(`app/${person}`, buildImage(), "v1");
    await assert.rejects(pull(person, `app/${person}:v1`), reason);
    await assert.rejects(putBlob(person, `app/${person}`), reason);
  });
}
