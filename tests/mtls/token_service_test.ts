/** Anonymous pull beside authenticated push, by tokens: docker and skopeo, with a password, a certificate, both or nothing. */
import assert from "node:assert/strict";
import { hashPassword } from "../../src/auth/password_hash.ts";
import { buildImage, randomBytes, writeOciLayout } from "../harness/build_images.ts";
import { startRemoteDockerd } from "../harness/client_engines.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";
import { ask } from "./ask.ts";
import { makePeople, type Person, writePair } from "./identity_files.ts";

const needs = { programs: ["docker", "dockerd", "containerd", "unshare", "skopeo"], root: true };
const people = makePeople();
const password = crypto.randomUUID();
const config = `
[global.access_policy]
rules = [
  "request.action in ['get-api-version', 'get-manifest', 'get-blob']",
  "identity.username == 'ci'",
  "identity.certificate.organizations.contains('Infrastructure')",
]
[auth.identity.ci]
username = "ci"
password = "${await hashPassword(password)}"
[auth.token_service]
secret_key = "${crypto.getRandomValues(new Uint8Array(32)).toBase64()}"
`;
const shared = shareRegistry(needs, { clientAuth: people.clientAuth, config }, people.admin);
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

const login = (word: string) =>
  docker(undefined, "login", "--username", "ci", "--password", word, engine.registryHost);

async function importImage(name: string): Promise<void> {
  await engine.run(["import", "-", at(name)], { stdin: makeTar({ "random.bin": randomBytes(1000) }) });
}

test("docker pulls without logging in, is refused to push in words, logs in and pushes", async () => {
  await shared.api.pushImage("app/one", buildImage(), "v1");
  await docker(undefined, "pull", at("app/one:v1"));
  await importImage("app/one:v2");
  await assert.rejects(
    docker(undefined, "push", at("app/one:v2")),
    /unauthorized: Authentication required: no rule of the global access policy allows start-upload/,
  );
  await assert.rejects(login("wrong"), /wrong user name or password/);
  await assert.rejects(docker(undefined, "push", at("app/one:v2")), /Authentication required/);
  assert.match(await login(password), /Login Succeeded/);
  await docker(undefined, "push", at("app/one:v2"));
  await docker(undefined, "pull", at("app/one:v2"));
  await docker(undefined, "logout", engine.registryHost);
});

test("docker pushes with its certificate alone, where others need a token", async () => {
  await importImage("app/two:v1");
  await docker("admin", "push", at("app/two:v1"));
  await docker("admin", "pull", at("app/two:v1"));
});

test("docker reads why its certificate is refused, also where anonymous pull is allowed", async () => {
  await shared.api.pushImage("app/three", buildImage(), "v1");
  await assert.rejects(docker("expired", "pull", at("app/three:v1")), /client certificate refused: expired/);
});

async function skopeo(person: Person | undefined, ...args: string[]): Promise<string> {
  await writePair(shared.certDir, person && people[person]);
  return (await shared.runIsolated(["skopeo", "--override-arch", "amd64", ...args])).stdout;
}

async function push(person: Person | undefined, name: string, ...credentials: string[]): Promise<void> {
  const layout = await Deno.makeTempDir({ dir: shared.workDir });
  await writeOciLayout(layout, buildImage(), "v1");
  const to = ["--dest-cert-dir", shared.certDir, ...credentials];
  await skopeo(person, "copy", ...to, `oci:${layout}:v1`, `docker://${shared.at(name)}`);
}

async function pull(name: string): Promise<void> {
  const layout = await Deno.makeTempDir({ dir: shared.workDir });
  const from = ["--src-cert-dir", shared.certDir];
  await skopeo(undefined, "copy", ...from, `docker://${shared.at(name)}`, `dir:${layout}`);
}

test("skopeo pulls without credentials, and pushes with a password or with a certificate", async () => {
  await push(undefined, "app/four:v1", "--dest-creds", `ci:${password}`);
  await push("admin", "app/four:v2");
  await pull("app/four:v1");
  await assert.rejects(
    push(undefined, "app/four:v4"),
    /Authentication required: no rule of the global access policy/,
  );
  await assert.rejects(
    push("developer", "app/four:v4"),
    /Access denied: no rule of the global access policy/,
  );
  await assert.rejects(
    push(undefined, "app/four:v4", "--dest-creds", "ci:wrong"),
    /wrong user name or password|invalid username\/password/,
  );
});

test("docker and skopeo that have both a certificate and a password are known by both", async () => {
  await push("developer", "app/both:v1", "--dest-creds", `ci:${password}`);
  const word = ["--username", "ci", "--password"];
  await assert.rejects(
    docker("developer", "login", ...word, "wrong", engine.registryHost),
    /wrong user name/,
  );
  await docker("developer", "login", ...word, password, engine.registryHost);
  await importImage("app/both:v2");
  await docker("developer", "push", at("app/both:v2"));
  await docker(undefined, "logout", engine.registryHost);
});

test("a token carries no certificate, and a certificate that is refused gets none", async () => {
  const { registry } = shared;
  const token = JSON.parse((await ask(registry, people.admin, "GET /token")).text).token;
  const upload = "POST /v2/app/five/blobs/uploads/";
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await ask(registry, undefined, upload, { headers })).status, 401);
  assert.equal((await ask(registry, people.admin, upload, { headers })).status, 202);
  for (const person of ["expired", "revoked", "foreign"] as const) {
    const refused = await ask(registry, people[person], "GET /token");
    assert.equal(refused.status, 403);
    assert.match(refused.reason, /^client certificate refused/);
    assert.equal((await ask(registry, people[person], upload, { headers })).status, 403);
  }
});

test("whoever shows nothing is sent to the token service, and a bad token is refused", async () => {
  const { registry } = shared;
  const { status, challenge } = await ask(registry, undefined, "GET /v2/");
  assert.equal(status, 401);
  assert.equal(challenge, `Bearer realm="${registry.url}/token",service="${registry.host}"`);
  const bad = { headers: { authorization: "Bearer e30.e30.e30" } };
  const refused = await ask(registry, undefined, "GET /v2/app/one/manifests/v1", bad);
  assert.equal(refused.status, 401);
  assert.match(refused.challenge, /^Bearer realm=/);
  const wrong = { headers: { authorization: `Basic ${btoa("ci:wrong")}` } };
  assert.match((await ask(registry, undefined, "GET /token", wrong)).challenge, /^Basic /);
});
