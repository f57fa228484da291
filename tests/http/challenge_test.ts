/** What a refused client is told to try, and who is sent for a token. */
import assert from "node:assert/strict";
import { anonymousIdentity, type Identity } from "../../src/core/identity.ts";
import { OciError } from "../../src/core/oci_error.ts";
import type { Challenges } from "../../src/http/challenge.ts";
import { createHandler } from "../../src/http/handle.ts";
import type { HttpRequest } from "../../src/http/message.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { assertRefused } from "./content.ts";
import { type Answer, collect, makeRequest } from "./request_builder.ts";

const BASIC = 'Basic realm="simple-registry", charset="UTF-8"';
const MUTUAL = 'Mutual realm="simple-registry"';
const TOKENS = { realm: undefined };
const CERTIFICATE = [Uint8Array.of(1)];

type Headers = Record<string, string | readonly string[]>;

interface Trial {
  readonly challenges?: Partial<Challenges>;
  readonly request?: Partial<HttpRequest>;
  readonly headers?: Headers;
  /** What the authenticator finds out, or throws. */
  readonly identity?: Partial<Identity> | OciError;
  readonly refuse?: string;
}

async function ask(target: string, trial: Trial = {}): Promise<Answer & { registry: ModelRegistry }> {
  const { challenges, identity = {}, headers = {}, refuse } = trial;
  const registry = makeModelRegistry();
  registry.refuse = () => refuse;
  const handle = createHandler({
    registry,
    authenticator: {
      identify: ({ peerAddress }) => {
        if (identity instanceof OciError) throw identity;
        return Promise.resolve({ ...anonymousIdentity(peerAddress), ...identity });
      },
    },
    challenges: { certificateRequired: false, passwords: false, tokens: undefined, ...challenges },
    tokenIssuer: challenges?.tokens && {
      issueToken: ({ username }) =>
        Promise.resolve({ token: `for ${username || "nobody"}`, expiresInSeconds: 60, issuedAt: 0 }),
    },
  });
  const { request } = makeRequest("GET", target, { headers });
  return Object.assign(await collect(await handle({ ...request, ...trial.request })), { registry });
}

const challengeOf = ({ headers }: Answer): string | undefined => headers["www-authenticate"];
const UNAUTHORIZED = () => new OciError("UNAUTHORIZED");

Deno.test("nobody is told the one way in that could help", async () => {
  const cases: [challenges: Partial<Challenges>, target: string, expected: string][] = [
    [{}, "/v2/", MUTUAL],
    [{}, "/v2/app/tags/list", MUTUAL],
    [{ passwords: true }, "/v2/", BASIC],
    [{ passwords: true }, "/v2/app/tags/list", BASIC],
    [{ tokens: TOKENS }, "/v2/", 'Bearer realm="http://registry.example/token",service="registry.example"'],
    [
      { tokens: TOKENS, passwords: true },
      "/v2/team/app/tags/list",
      'Bearer realm="http://registry.example/token",service="registry.example",scope="repository:team/app:pull,push"',
    ],
    [{ tokens: TOKENS, passwords: true }, "/token", BASIC],
    [{ tokens: TOKENS }, "/token", MUTUAL],
  ];
  for (const [challenges, target, expected] of cases) {
    const refused = await ask(target, { challenges, identity: UNAUTHORIZED() });
    assertRefused(refused, 401, "UNAUTHORIZED");
    assert.equal(challengeOf(refused), expected);
    const byPolicy = await ask(target, { challenges, refuse: "not for everybody" });
    if (target === "/token") continue;
    assertRefused(byPolicy, 401, "UNAUTHORIZED");
    assert.equal(challengeOf(byPolicy), expected);
  }
});

Deno.test("who lacks a required certificate is not asked for a password", async () => {
  const challenges = { certificateRequired: true, passwords: true, tokens: TOKENS };
  for (const target of ["/v2/", "/v2/app/tags/list", "/token"]) {
    const request = { secure: true };
    assert.equal(challengeOf(await ask(target, { challenges, identity: UNAUTHORIZED(), request })), MUTUAL);
  }
  const request = { secure: true, certificateChain: CERTIFICATE };
  const wrongPassword = await ask("/token", { challenges, identity: UNAUTHORIZED(), request });
  assert.equal(challengeOf(wrongPassword), BASIC);
});

Deno.test("the address for tokens is that of the request, over its own protocol, or the configured one", async () => {
  const cases: [
    headers: Headers,
    request: Partial<HttpRequest>,
    tokens: Challenges["tokens"],
    realm: string,
  ][] = [
    [{ host: "registry.example:5000" }, { secure: true }, TOKENS, "https://registry.example:5000/token"],
    [{ host: "[2001:db8::1]:5000" }, {}, TOKENS, "http://[2001:db8::1]:5000/token"],
    [{ host: "192.0.2.1" }, {}, TOKENS, "http://192.0.2.1/token"],
    [{}, { secure: true }, { realm: "https://auth.example/token" }, "https://auth.example/token"],
  ];
  for (const [headers, request, tokens, realm] of cases) {
    const answer = await ask("/v2/", { headers, request, challenges: { tokens }, identity: UNAUTHORIZED() });
    const host = headers["host"] ?? "registry.example";
    assert.equal(challengeOf(answer), `Bearer realm="${realm}",service="${host}"`);
  }
});

Deno.test("a client without Host gets no address for tokens, unless one is configured", async () => {
  const nameless = (challenges: Partial<Challenges>) =>
    ask("/v2/", {
      challenges,
      headers: { host: [] },
      request: { httpVersion: "1.0" },
      identity: UNAUTHORIZED(),
    });
  assert.equal(challengeOf(await nameless({ tokens: TOKENS, passwords: true })), BASIC);
  assert.equal(challengeOf(await nameless({ tokens: TOKENS })), MUTUAL);
  const configured = await nameless({ tokens: { realm: "https://auth.example/token" } });
  assert.equal(challengeOf(configured), 'Bearer realm="https://auth.example/token",service=""');
});

Deno.test("a Host that could break out of the challenge is refused before", async () => {
  for (const host of ['a"b', "a\\b", "a b", "a,b", "a/b", "a@b", "a?b", "a#b", "\u00e4", "a\tb"]) {
    const answer = await ask("/v2/", { headers: { host }, challenges: { tokens: TOKENS } });
    assertRefused(answer, 400, "REQUEST_INVALID");
    assert.equal(challengeOf(answer), undefined);
  }
});

Deno.test("somebody who is known and refused reads why: 401 Mutual on /v2/, 403 elsewhere, never a way to log in", async () => {
  const known = { id: "bob", username: "bob" };
  for (const challenges of [{}, { passwords: true }, { passwords: true, tokens: TOKENS }]) {
    const trials: Trial[] = [
      { challenges, identity: known, refuse: "no rule allows it" },
      { challenges, identity: new OciError("DENIED", { message: "client certificate refused: expired" }) },
    ];
    for (const trial of trials) {
      const root = await ask("/v2/", trial);
      assertRefused(root, 401, "DENIED");
      assert.equal(challengeOf(root), MUTUAL);
      assert.match(root.text, /no rule allows it|certificate refused: expired/);
      const elsewhere = await ask("/v2/app/tags/list", trial);
      assertRefused(elsewhere, 403, "DENIED");
      assert.equal(challengeOf(elsewhere), undefined);
    }
  }
});

Deno.test("a refused certificate closes its connection also with the challenge", async () => {
  const identity = new OciError("DENIED", {
    message: "certificate refused",
    headers: { connection: "close" },
  });
  for (const target of ["/v2/", "/v2/app/tags/list"]) {
    assert.equal((await ask(target, { identity })).headers["connection"], "close");
  }
});

Deno.test("HEAD of a blob with a refused certificate is 404, so that clients go on to the request that says why", async () => {
  const identity = new OciError("DENIED", {
    message: "certificate refused",
    headers: { connection: "close" },
  });
  const blob = `/v2/app/blobs/sha256:${"0".repeat(64)}`;
  const head = await ask(blob, { identity, request: { method: "HEAD" } });
  assert.deepEqual([head.status, head.headers["connection"], head.body.length], [404, "close", 0]);
  assert.equal(head.registry.lines[0]!.fields!["verdict"], "denied");
  assertRefused(await ask(blob, { identity }), 403, "DENIED");
  assert.equal((await ask(blob, { identity: UNAUTHORIZED(), request: { method: "HEAD" } })).status, 401);
  assert.equal((await ask("/v2/app/manifests/v1", { identity, request: { method: "HEAD" } })).status, 403);
});

Deno.test("with a token service whoever shows nothing on /v2/ is sent for a token, even where policy would answer", async () => {
  const challenges = { tokens: TOKENS, passwords: true };
  const nothing: Headers[] = [{}, { authorization: "Basic Og==" }, { authorization: "" }];
  for (const headers of nothing) {
    const answer = await ask("/v2/", { challenges, headers });
    assertRefused(answer, 401, "UNAUTHORIZED");
    assert.match(challengeOf(answer)!, /^Bearer realm=/);
  }
  // An anonymous token, a password: then policy decides. A certificate alone is sent for a token too, since the client may
  // hold a password that it shows only when it is asked.
  const something: Trial[] = [
    { headers: { authorization: "Bearer anonymous" } },
    { headers: { authorization: "bearer anonymous" } },
    { headers: { authorization: "Basic x" }, identity: { id: "bob", username: "bob" } },
    {
      headers: { authorization: "Bearer anonymous" },
      identity: { certificate: {} as Identity["certificate"] },
    },
  ];
  for (const trial of something) {
    assert.equal((await ask("/v2/", { challenges, ...trial })).status, 200);
    assert.equal((await ask("/v2/", { challenges, ...trial, refuse: "closed" })).status, 401);
  }
  assert.equal(
    (await ask("/v2/app/tags/list", { challenges })).status,
    404,
    "elsewhere policy decides at once",
  );
  assert.equal((await ask("/v2/", { challenges: { passwords: true } })).status, 200);
});

Deno.test("nobody sees more than one challenge", async () => {
  for (const challenges of [{}, { passwords: true }, { passwords: true, tokens: TOKENS }]) {
    for (const target of ["/v2/", "/v2/app/tags/list", "/token"]) {
      const challenge = challengeOf(await ask(target, { challenges, identity: UNAUTHORIZED() }))!;
      assert.equal(challenge.match(/Basic|Bearer|Mutual/g)!.length, 1);
    }
  }
});
