/** curl over mTLS, with --cert and --key, as the how-to tries a set-up. */
import assert from "node:assert/strict";
import { buildImage } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { ROLES } from "./access_rules.ts";
import { curlPair, makePeople, type Person, REASONS, writePair } from "./identity_files.ts";

const needs = { programs: ["curl"] };
const people = makePeople();
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config: ROLES }, people.admin);
const test = testWith(needs);

async function curl(person: Person | undefined, ...args: string[]) {
  const folder = `${shared.workDir}/${person ?? "nobody"}`;
  await writePair(folder, person && people[person]);
  const common = ["--silent", "--show-error", "--cacert", shared.registry.caFile];
  return await shared.run(["curl", ...common, ...(person === undefined ? [] : curlPair(folder)), ...args]);
}

async function status(
  person: Person | undefined,
  ...args: string[]
): Promise<{ code: string; body: string }> {
  const { stdout } = await curl(person, "--write-out", "\n%{http_code}", ...args);
  const end = stdout.lastIndexOf("\n");
  return { code: stdout.slice(end + 1), body: stdout.slice(0, end) };
}

test("curl pushes and pulls a blob with a client certificate of an intermediate", async () => {
  await Deno.writeTextFile(`${shared.workDir}/blob`, "one blob");
  const digest = "sha256:" + new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode("one blob")),
  ).toHex();
  const uploads = `${shared.registry.url}/v2/app/one/blobs/uploads/?digest=${digest}`;
  const octets = ["-H", "Content-Type: application/octet-stream"];
  assert.equal((await status("admin", "--data-binary", "@blob", ...octets, uploads)).code, "201");
  const pulled = await status("developer", `${shared.registry.url}/v2/app/one/blobs/${digest}`);
  assert.deepEqual(pulled, { code: "200", body: "one blob" });
});

for (const version of ["1.2", "1.3"]) {
  test(`curl resumes its own TLS ${version} session and is served as the same client`, async () => {
    await shared.api.pushImage("app/two", buildImage(), "v1");
    const url = `${shared.registry.url}/v2/app/two/manifests/v1`;
    const only = ["--tls-max", version, `--tlsv${version}`, "--http1.1", "-H", "Connection: close"];
    let resumed = 0;
    // The kernel gives each connection to one of the threads, and only one of them knows the session.
    for (let round = 0; round < 30 && resumed < 2; round++) {
      const discard = ["--output", "/dev/null"];
      const again = [...discard, url, ...discard, url];
      const { stdout, stderr } = await curl(
        "developer",
        "--verbose",
        ...only,
        "--write-out",
        "%{http_code} ",
        ...again,
      );
      assert.equal(stdout, "200 200 ");
      if (/SSL re-?using session ID/i.test(stderr)) resumed++;
    }
    assert.equal(resumed, 2, "curl resumed no session, so this proves nothing");
  });
}

test("curl without a certificate gets 401 with the reason and the challenge that names certificates", async () => {
  const { code, body } = await status(undefined, `${shared.registry.url}/v2/`);
  assert.equal(code, "401");
  assert.match(body, /Authentication required: no rule of the global access policy allows get-api-version/);
  const { stdout } = await curl(undefined, "--head", `${shared.registry.url}/v2/`);
  assert.match(stdout, /^www-authenticate: Mutual realm="simple-registry"\r$/m);
});

for (const [person, reason] of Object.entries(REASONS) as [keyof typeof REASONS, RegExp][]) {
  test(`curl gets the reason why a certificate is refused that is ${person}`, async () => {
    const base = await status(person, `${shared.registry.url}/v2/`);
    assert.equal(base.code, "401");
    assert.match(JSON.parse(base.body).errors[0].message, reason);
    const upload = await status(person, "--data", "", `${shared.registry.url}/v2/app/three/blobs/uploads/`);
    assert.equal(upload.code, "403");
    assert.match(JSON.parse(upload.body).errors[0].message, reason);
  });
}
