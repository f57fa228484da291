/** The token endpoint, with the real authenticator behind it. */
import { NO_METRICS } from "../../src/metrics/no_metrics.ts";
import assert from "node:assert/strict";
import { ClientAddress } from "../../src/auth/client_address.ts";
import { RegistryAuthenticator } from "../../src/auth/registry_authenticator.ts";
import { TokenService } from "../../src/auth/token_service.ts";
import { createHandler } from "../../src/http/handle.ts";
import { FakeChecker } from "../auth/cheap_identities.ts";
import { utf8 } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { assertRefused } from "./content.ts";
import { collect, makeRequest } from "./request_builder.ts";

function setUp(withTokens = true) {
  const registry = makeModelRegistry();
  const authenticator = new RegistryAuthenticator({
    clock: registry.clock,
    log: registry.log,
    metrics: NO_METRICS,
    addresses: new ClientAddress([]),
    certificates: undefined,
    passwords: new FakeChecker(),
    tokens: withTokens ? new TokenService(new Uint8Array(32).fill(1), 300) : undefined,
    usernames: new Map([["alice-id", "alice"]]),
  });
  const handle = createHandler({
    registry,
    authenticator,
    challenges: {
      certificateRequired: false,
      passwords: true,
      tokens: withTokens ? { realm: undefined } : undefined,
    },
    tokenIssuer: withTokens ? authenticator : undefined,
  });
  const send = async (method: string, target: string, authorization?: string | string[]) => {
    const headers = authorization === undefined ? {} : { authorization };
    return await collect(await handle(makeRequest(method, target, { headers }).request));
  };
  return { registry, send };
}

const basic = (pair: string): string => `Basic ${utf8(pair).toBase64()}`;

Deno.test("/token swaps a password for a token that stands for the same user", async () => {
  const { registry, send } = setUp();
  registry.time = 1_700_000_000_123;
  const answer = await send(
    "GET",
    "/token?service=x&scope=repository:app:pull&account=alice",
    basic("alice:right"),
  );
  assert.equal(answer.status, 200, answer.text);
  const { token, access_token, expires_in, issued_at } = answer.json;
  assert.deepEqual([access_token, expires_in, issued_at], [token, 300, "2023-11-14T22:13:20.000Z"]);
  assert.equal(answer.headers["cache-control"], "no-store");
  assert.equal((await send("GET", "/v2/", `Bearer ${token}`)).status, 200);
  registry.refuse = () => "no rule allows it";
  assertRefused(await send("GET", "/v2/app/tags/list", `Bearer ${token}`), 403, "DENIED");
});

Deno.test("/token gives nobody an anonymous token, which opens what is open to everybody and no more", async () => {
  const { registry, send } = setUp();
  for (const authorization of [undefined, basic(":")]) {
    const { token } = (await send("GET", "/token", authorization)).json;
    registry.refuse = () => undefined;
    assert.equal((await send("GET", "/v2/", `Bearer ${token}`)).status, 200);
    registry.refuse = () => "not for everybody";
    assertRefused(await send("GET", "/v2/app/tags/list", `Bearer ${token}`), 401, "UNAUTHORIZED");
  }
});

Deno.test("/token takes no token, in any writing of its scheme", async () => {
  const { send } = setUp();
  const { token } = (await send("GET", "/token", basic("alice:right"))).json;
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    const answer = await send("GET", "/token", `${scheme} ${token}`);
    assertRefused(answer, 401, "UNAUTHORIZED");
    assert.match(answer.headers["www-authenticate"]!, /^Basic /);
  }
});

Deno.test("/token with a wrong password gives no token, not even an anonymous one", async () => {
  const { send } = setUp();
  for (const authorization of [basic("alice:wrong"), basic("alice:"), "Basic x", "Digest x"]) {
    const answer = await send("GET", "/token", authorization);
    assertRefused(answer, 401, "UNAUTHORIZED");
    assert.match(answer.headers["www-authenticate"]!, /^Basic /);
    assert.doesNotMatch(answer.text, /token"/);
  }
});

Deno.test("/token is no endpoint where the service is off, and takes GET and HEAD only", async () => {
  assertRefused(await setUp(false).send("GET", "/token", basic("alice:right")), 404, "NAME_UNKNOWN");
  const { send } = setUp();
  // containerd tries POST first, and takes 405 for "use GET".
  assertRefused(await send("POST", "/token"), 405, "UNSUPPORTED");
  const head = await send("HEAD", "/token");
  assert.deepEqual([head.status, head.body.length], [200, 0]);
});

Deno.test("two Authorization headers are refused, whatever they hold", async () => {
  const { send } = setUp();
  const pairs = [
    [basic("alice:right"), basic("alice:right")],
    [basic("alice:right"), "Bearer x"],
    ["", basic("alice:right")],
    ["", ""],
  ];
  for (const authorization of pairs) {
    for (const target of ["/v2/", "/token", "/v2/app/tags/list"]) {
      assertRefused(await send("GET", target, authorization), 400, "REQUEST_INVALID");
    }
  }
});
