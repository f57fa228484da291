/** The three scenarios of the how-to "Configure mTLS", word for word, and certificates beside passwords. */
import assert from "node:assert/strict";
import { hashPassword } from "../../src/auth/password_hash.ts";
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { buildImage } from "../harness/build_images.ts";
import { type ClientIdentity, RegistryApi } from "../harness/registry_api.ts";
import { type ClientAuthOptions, type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ask } from "./ask.ts";
import { identityOf, makePeople } from "./identity_files.ts";

const people = makePeople();
const WITHOUT_LISTS: ClientAuthOptions = { caBundle: people.clientAuth.caBundle };
const password = crypto.randomUUID();
const IDENTITIES = `
[auth.identity.reader]
username = "reader"
password = "${await hashPassword(password)}"
`;
const reader = { authorization: `Basic ${btoa(`reader:${password}`)}` };
const mistaken = { authorization: `Basic ${btoa("reader:wrong")}` };

async function push(registry: RunningRegistry, identity: ClientIdentity, repository: string): Promise<void> {
  using api = new RegistryApi(registry, identity);
  await api.pushImage(repository, buildImage(), "v1");
}

const UPLOAD = (repository: string) => `POST /v2/${repository}/blobs/uploads/`;
const PULL = (repository: string) => `GET /v2/${repository}/manifests/v1`;

Deno.test("scenario 1: a certificate is required by policy", async () => {
  const config = `[global.access_policy]
default_allow = false
rules = ["size(identity.certificate.common_names) > 0"]`;
  await using registry = await startRegistry({ clientAuth: WITHOUT_LISTS, config });
  await push(registry, people.developer, "app");
  assert.equal((await ask(registry, people.developer, PULL("app"))).status, 200);
  for (const request of ["GET /v2/", PULL("app"), UPLOAD("app"), "GET /v2/_catalog"]) {
    const answer = await ask(registry, undefined, request);
    assert.equal(answer.status, 401, request);
    assert.equal(answer.challenge, 'Mutual realm="simple-registry"');
    assert.match(answer.reason, /^Authentication required: no rule of the global access policy allows/);
  }
  for (const path of ["/healthz", "/readyz"]) {
    assert.equal((await ask(registry, undefined, `GET ${path}`)).status, 200);
  }
  assert.match((await ask(registry, people.foreign, PULL("app"))).reason, /unknown issuer/);
});

Deno.test("scenario 2: a certificate or a password", async () => {
  const config = `[global.access_policy]
default_allow = false
rules = [
  "identity.certificate.organizations.contains('Infrastructure')",
  "identity.username != '' && request.action.startsWith('get-')",
]
${IDENTITIES}`;
  await using registry = await startRegistry({ clientAuth: WITHOUT_LISTS, config });
  await push(registry, people.admin, "app");
  assert.equal((await ask(registry, undefined, PULL("app"), { headers: reader })).status, 200);
  const refused = await ask(registry, undefined, UPLOAD("app"), { headers: reader });
  assert.equal(refused.status, 403);
  assert.match(
    refused.reason,
    /^Access denied: no rule of the global access policy allows start-upload in "app"/,
  );

  const nobody = await ask(registry, undefined, "GET /v2/");
  assert.equal(nobody.status, 401);
  assert.match(nobody.challenge, /^Basic realm="simple-registry"/);
  const wrong = await ask(registry, undefined, PULL("app"), { headers: mistaken });
  assert.equal(wrong.status, 401);
  assert.match(wrong.challenge, /^Basic /);
  assert.match(wrong.reason, /wrong user name or password/);

  // Known by its certificate, but for nothing that a rule allows: a Basic challenge would hide why from docker and oras.
  const developer = await ask(registry, people.developer, "GET /v2/");
  assert.equal(developer.status, 401);
  assert.equal(developer.challenge, 'Mutual realm="simple-registry"');
  assert.match(
    developer.reason,
    /^Access denied: no rule of the global access policy allows get-api-version/,
  );
  assert.equal((await ask(registry, people.developer, PULL("app"))).status, 403);
  assert.equal(
    (await ask(registry, people.developer, PULL("app"), { headers: reader })).status,
    200,
    "both in one request",
  );
});

Deno.test("scenario 3: rules of repositories without a global policy", async () => {
  const config = `
[repository."dev".access_policy]
default_allow = false
rules = ["identity.certificate.organizations.contains('Developers')"]
[repository."prod".access_policy]
default_allow = false
rules = [
  "identity.certificate.organizations.contains('Infrastructure')",
  "identity.certificate.organizations.contains('Developers') && request.action.startsWith('get-')",
]`;
  await using registry = await startRegistry({ clientAuth: WITHOUT_LISTS, config });
  const stranger = makeClient(makeAuthority());
  for (const person of [people.admin, people.developer]) {
    assert.equal((await ask(registry, person, "GET /v2/")).status, 200);
  }
  for (const person of [undefined, identityOf(stranger)]) {
    assert.equal((await ask(registry, person, "GET /v2/")).status, 401);
  }
  await push(registry, people.developer, "dev/app");
  await push(registry, people.admin, "prod/app");
  assert.equal((await ask(registry, people.developer, PULL("prod/app"))).status, 200);
  const refused: readonly [ClientIdentity, string, RegExp][] = [
    [people.developer, "prod/app", /no rule of the access policy of repository "prod" allows start-upload/],
    [people.admin, "dev/app", /no rule of the access policy of repository "dev" allows start-upload/],
    [people.admin, "elsewhere", /no access policy covers start-upload in "elsewhere"/],
    [people.admin, "production/app", /no access policy covers start-upload in "production\/app"/],
  ];
  for (const [person, repository, reason] of refused) {
    const answer = await ask(registry, person, UPLOAD(repository));
    assert.equal(answer.status, 403);
    assert.match(answer.reason, reason);
  }
  const catalog = await ask(registry, people.admin, "GET /v2/_catalog");
  assert.equal(catalog.status, 403);
  assert.match(catalog.reason, /no access policy covers list-catalog/);
});

Deno.test('client_auth = "required" refuses whoever shows no certificate, whatever the policy says', async () => {
  const config = `[global.access_policy]\ndefault_allow = true\n${IDENTITIES}`;
  const clientAuth = { ...WITHOUT_LISTS, settings: 'client_auth = "required"' };
  await using registry = await startRegistry({ clientAuth, config });
  assert.equal((await ask(registry, people.developer, UPLOAD("app"))).status, 202);
  for (const headers of [{}, reader]) {
    const answer = await ask(registry, undefined, UPLOAD("app"), { headers });
    assert.equal(answer.status, 401);
    assert.match(answer.reason, /this registry asks for a client certificate/);
  }
});

Deno.test("a rule may ask for a certificate and a password in one request", async () => {
  const config = `[global.access_policy]
rules = ["'dev' in identity.certificate.common_names && identity.username == 'reader'"]
${IDENTITIES}`;
  await using registry = await startRegistry({ clientAuth: people.clientAuth, config });
  const outcomes: readonly [string, ClientIdentity | undefined, Record<string, string>, number, RegExp][] = [
    ["both", people.developer, reader, 202, /^$/],
    ["the certificate alone", people.developer, {}, 403, /^Access denied/],
    ["the password alone", undefined, reader, 403, /^Access denied/],
    ["another certificate", people.admin, reader, 403, /^Access denied/],
    ["a wrong password", people.developer, mistaken, 401, /wrong user name or password/],
    ["a revoked certificate", people.revoked, reader, 403, /client certificate refused: .*revoked/],
    ["an expired certificate", people.expired, reader, 403, /client certificate refused: expired/],
    ["nothing", undefined, {}, 401, /^Authentication required/],
  ];
  for (const [title, identity, headers, status, reason] of outcomes) {
    const answer = await ask(registry, identity, UPLOAD("app"), { headers });
    assert.equal(answer.status, status, title);
    assert.match(answer.reason, reason, title);
  }
});

Deno.test("the address of a client is that of the connection, unless a trusted proxy tells another one", async () => {
  const rule = `[global.access_policy]\nrules = ["identity.client_ip == '10.0.0.1'"]\n`;
  const forwarded = (value: string) => ({ headers: { "x-forwarded-for": value } });
  {
    await using registry = await startRegistry({ clientAuth: WITHOUT_LISTS, config: rule });
    for (const identity of [undefined, people.developer]) {
      assert.notEqual((await ask(registry, identity, UPLOAD("app"), forwarded("10.0.0.1"))).status, 202);
    }
  }
  const config = `${rule}[global]\ntrusted_proxies = ["127.0.0.1"]`;
  await using registry = await startRegistry({ clientAuth: WITHOUT_LISTS, config });
  assert.equal((await ask(registry, undefined, UPLOAD("app"), forwarded("10.0.0.1"))).status, 202);
  // Whoever comes through the proxy may write whatever they like in front of their own address.
  const lying = forwarded("10.0.0.1, 203.0.113.9");
  assert.equal((await ask(registry, undefined, UPLOAD("app"), lying)).status, 401);
});
