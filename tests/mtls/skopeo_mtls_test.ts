/** skopeo over mTLS, with its files in a folder given by --src-cert-dir and --dest-cert-dir. */
import assert from "node:assert/strict";
import { buildImage, writeOciLayout } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { ROLES } from "./access_rules.ts";
import { makePeople, type Person, REASONS, writePair } from "./identity_files.ts";

const needs = { programs: ["skopeo"] };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);

async function skopeo(person: Person | undefined, ...args: string[]): Promise<string> {
  await writePair(shared.certDir, person && people[person]);
  const { stdout } = await shared.runIsolated(["skopeo", "--override-arch", "amd64", ...args]);
  return stdout;
}

async function push(person: Person | undefined, name: string): Promise<void> {
  const layout = await Deno.makeTempDir({ dir: shared.workDir });
  await writeOciLayout(layout, buildImage(), "v1");
  const to = `docker://${shared.at(name)}`;
  await skopeo(person, "copy", "--dest-cert-dir", shared.certDir, `oci:${layout}:v1`, to);
}

async function pull(person: Person | undefined, name: string): Promise<void> {
  const layout = await Deno.makeTempDir({ dir: shared.workDir });
  const from = `docker://${shared.at(name)}`;
  await skopeo(person, "copy", "--src-cert-dir", shared.certDir, from, `dir:${layout}`);
}

test("skopeo pushes, pulls and lists with a client certificate of an intermediate", async () => {
  await push("admin", "app/one:v1");
  await pull("admin", "app/one:v1");
  const listed = JSON.parse(
    await skopeo("admin", "list-tags", "--cert-dir", shared.certDir, `docker://${shared.at("app/one")}`),
  );
  assert.deepEqual(listed.Tags, ["v1"]);
});

test("skopeo pulls with a certificate that may only pull, and reads why its push is refused", async () => {
  await shared.api.pushImage("app/two", buildImage(), "v1");
  await pull("developer", "app/two:v1");
  await assert.rejects(
    push("developer", "app/two:v2"),
    /denied: Access denied: no rule of the global access policy allows start-upload in \\"app\/two\\"/,
  );
});

test("skopeo without a certificate reads that it has to authenticate", async () => {
  await shared.api.pushImage("app/three", buildImage(), "v1");
  const reason = /unauthorized: Authentication required: no rule of the global access policy allows/;
  await assert.rejects(pull(undefined, "app/three:v1"), reason);
  await assert.rejects(push(undefined, "app/three:v2"), reason);
});

for (const [person, reason] of Object.entries(REASONS) as [keyof typeof REASONS, RegExp][]) {
  test(`skopeo reads on pull why a certificate is refused that is ${person}`, async () => {
    await shared.api.pushImage(`app/${person}`, buildImage(), "v1");
    await assert.rejects(pull(person, `app/${person}:v1`), reason);
  });

  test(`skopeo reads on push why a certificate is refused that is ${person}`, async () => {
    await assert.rejects(push(person, `app/${person}:v2`), reason);
    assert.equal(await shared.api.findDigest(`app/${person}`, "v2"), undefined);
  });
}
