/** From a configuration to who may do what: the parts as they are put together for a thread. */
import { NO_METRICS } from "../../src/metrics/no_metrics.ts";
import assert from "node:assert/strict";
import { challengesOf, makeAccessControl, makeAuthenticator } from "../../src/cli/access.ts";
import type { Operation } from "../../src/core/operation.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import type { Credentials } from "../../src/ports/authenticator.ts";
import { FakeChecker } from "../auth/cheap_identities.ts";
import { WebhookServer } from "../auth/webhook_server.ts";
import { load } from "../config/load_text.ts";
import { makeKeyPair } from "../config/make_key_pair.ts";
import { utf8 } from "../model/bytes.ts";
import { makeModelRegistry, SOME_CALLER } from "../model/model_registry.ts";
import { makeAuthority } from "../auth/certificate_factory.ts";

const PHC =
  "$argon2id$v=19$m=19456,t=2,p=1$/KcdfKzuJRKWuvmIZgqKyA$xHQSfv6QbalemqkQa4To+XIcQ6bq4c2M9OIznuePk3c";
const ALICE = `[auth.identity.alice-id]\nusername = "alice"\npassword = "${PHC}"\n`;
const TOKENS = `[auth.token_service]\nsecret_key = "${new Uint8Array(32).fill(3).toBase64()}"\n`;
const CATALOG: Operation = { action: "list-catalog" };

function tagsOf(name: string): Operation {
  return { action: "list-tags", repository: parseRepositoryName(name) };
}

Deno.test("the webhook of the repository is asked, else the global one, and none where it is switched off", async () => {
  await using server = await WebhookServer.start();
  const webhook = (name: string) =>
    `[auth.webhook.${name}]\nurl = "${server.url}/${name}"\ntimeout_ms = 5000\n`;
  const config = `
[global]
authorization_webhook = "everywhere"
[global.access_policy]
default = "allow"
[repository.team]
authorization_webhook = "team"
[repository.open]
authorization_webhook = ""
[repository.closed.access_policy]
default = "deny"
[repository.other.access_policy]
default = "allow"
${["everywhere", "team"].map(webhook).join("\n")}`;
  const { log, lines } = makeModelRegistry();
  const { hook, close } = makeAccessControl(load(config), log);
  const cases: [Operation, asked: string | undefined, allowed?: boolean][] = [
    [CATALOG, "everywhere"],
    [{ action: "get-api-version" }, "everywhere"],
    [tagsOf("app"), "everywhere"],
    [tagsOf("teams"), "everywhere"],
    [tagsOf("team"), "team"],
    [tagsOf("team/app/deep"), "team"],
    [tagsOf("open"), undefined],
    [tagsOf("open/app"), undefined],
    [tagsOf("opened"), "everywhere"],
    [tagsOf("closed/app"), undefined, false],
    [tagsOf("other/app"), "everywhere"],
  ];
  for (const [operation, asked, allowed = true] of cases) {
    server.asked.length = 0;
    const verdict = await hook.decide(SOME_CALLER, operation);
    assert.equal(verdict.allowed, allowed, JSON.stringify(operation));
    const urls = server.asked.map(({ url }) => url);
    assert.deepEqual(urls, asked === undefined ? [] : [`/check/${asked}`], JSON.stringify(operation));
  }
  assert.deepEqual(lines, []);
  close();
});

Deno.test("the credential, the headers and the time of the configuration reach the webhook", async () => {
  await using server = await WebhookServer.start();
  const config = (more: string) => `
[global]
authorization_webhook = "guard"
[global.access_policy]
default = "allow"
[auth.webhook.guard]
url = "${server.url}"
timeout_ms = 300
forward_headers = ["X-Request-Id"]
${more}`;
  const caller = {
    ...SOME_CALLER,
    request: {
      ...SOME_CALLER.request,
      headerValues: (name: string) => name === "x-request-id" ? ["42"] : [],
    },
  };
  const cases = [
    ['bearer_token = "t0ken"', "Bearer t0ken"],
    [
      'basic_auth = { username = "r\u00e9gistry", password = "p:w" }',
      `Basic ${utf8("r\u00e9gistry:p:w").toBase64()}`,
    ],
    ["cache_ttl = 0", undefined],
  ] as const;
  const { log } = makeModelRegistry();
  for (const [more, authorization] of cases) {
    const { hook, close } = makeAccessControl(load(config(more)), log);
    assert.equal((await hook.decide(caller, CATALOG)).allowed, true);
    const headers = new Map(server.asked.at(-1)!.headers);
    assert.deepEqual([headers.get("authorization"), headers.get("x-request-id")], [authorization, "42"]);
    server.asked.length = 0;
    await hook.decide(caller, CATALOG);
    assert.equal(server.asked.length, more === "cache_ttl = 0" ? 1 : 0);
    close();
  }
  server.answer = () => {};
  const { hook, close } = makeAccessControl(load(config("")), log);
  assert.equal((await hook.decide(caller, CATALOG)).allowed, false);
  close();
});

Deno.test("challengesOf() says which ways in the configuration opens", async () => {
  const nothing = { certificateRequired: false, passwords: false, tokens: undefined };
  assert.deepEqual(challengesOf(load("")), nothing);
  assert.deepEqual(challengesOf(load(ALICE)), { ...nothing, passwords: true });
  assert.deepEqual(challengesOf(load(TOKENS)), { ...nothing, tokens: { realm: undefined } });
  const realm = "https://auth.example/token";
  assert.deepEqual(challengesOf(load(`${TOKENS}realm = "${realm}"`)), { ...nothing, tokens: { realm } });
  const { certificate, key } = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const files = { "server.pem": certificate, "server.key": key, "ca.pem": makeAuthority().pem };
  const tls = `
[server.tls]
server_certificate_bundle = "server.pem"
server_private_key = "server.key"
client_ca_bundle = "ca.pem"
`;
  assert.deepEqual(challengesOf(load(tls, { files })), nothing);
  const required = load(`${tls}client_auth = "required"`, { files });
  assert.deepEqual(challengesOf(required), { ...nothing, certificateRequired: true });
});

Deno.test("makeAuthenticator() knows the configured users, proxies and key, and nothing else", async () => {
  const { clock, log } = makeModelRegistry();
  const shown = (change: Partial<Credentials>): Credentials => ({
    peerAddress: "10.0.0.1",
    forwardedFor: ["203.0.113.9"],
    authorization: undefined,
    secure: false,
    certificateChain: undefined,
    ...change,
  });
  const settings = load(`[global]\ntrusted_proxies = ["10.0.0.0/8"]\n${ALICE}${TOKENS}`);
  const authenticator = await makeAuthenticator(settings, {
    remote: new FakeChecker(),
    clock,
    log,
    metrics: NO_METRICS,
  });
  const identity = { clientIp: "203.0.113.9", id: "alice-id", username: "alice", certificate: undefined };
  const authorization = `Basic ${utf8("alice:right").toBase64()}`;
  assert.deepEqual(await authenticator.identify(shown({ authorization })), identity);
  const bearer = shown({ authorization: `Bearer ${(await authenticator.issueToken(identity)).token}` });
  assert.deepEqual(await authenticator.identify(bearer), identity);

  const withoutAlice = await makeAuthenticator(load(TOKENS), {
    remote: undefined,
    clock,
    log,
    metrics: NO_METRICS,
  });
  await assert.rejects(withoutAlice.identify(bearer), /its user is known no more/);
  await assert.rejects(withoutAlice.identify(shown({ authorization })), /knows no passwords/);
  assert.equal((await withoutAlice.identify(shown({}))).clientIp, "10.0.0.1");
  const otherKey = TOKENS.replace(
    /secret_key = ".*"/,
    `secret_key = "${new Uint8Array(32).fill(4).toBase64()}"`,
  );
  const other = await makeAuthenticator(load(ALICE + otherKey), {
    remote: new FakeChecker(),
    clock,
    log,
    metrics: NO_METRICS,
  });
  await assert.rejects(other.identify(bearer), /it is not one of this registry's/);
});
