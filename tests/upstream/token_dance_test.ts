import assert from "node:assert/strict";
import { buildImage } from "../harness/build_images.ts";
import { inTries } from "../harness/tries.ts";
import { type AskedOfUpstream, ScriptedUpstream, sendJson } from "./scripted_upstream.ts";
import { expectFault, makeClient, NAME, tagged } from "./upstream_trial.ts";

const SCOPE = `repository:${NAME}:pull`;
const BASIC = `Basic ${btoa("robot:s3cret")}`;

/** An upstream that wants tokens of the service at `/token` of its own. */
async function startWithTokens(
  give: (asked: AskedOfUpstream, serial: number) => unknown = (_, serial) => ({ token: `t${serial}` }),
): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start();
  upstream.addManifest(NAME, buildImage().manifest, "v1", "v2");
  let serial = 0;
  upstream.script = (asked, response) => {
    if (asked.path.startsWith("/token")) {
      const answer = give(asked, ++serial);
      sendJson(response, answer === undefined ? 401 : 200, answer ?? {});
      return true;
    }
    if (/^Bearer t/.test(asked.headers.authorization as string ?? "")) return false;
    sendJson(response, 401, {}, {
      "www-authenticate": `Bearer realm="${upstream.url}/token",service="the service",scope="${SCOPE}"`,
    });
    return true;
  };
  return upstream;
}

Deno.test("a token is fetched when the upstream wants one, for nothing where no password is configured", async () => {
  await using upstream = await startWithTokens();
  using client = makeClient(upstream);
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  const [first, token, second] = upstream.asked;
  assert.equal(first?.headers.authorization, undefined);
  const query = new URL(token!.path, "http://x").searchParams;
  assert.deepEqual([query.get("service"), query.get("scope")], ["the service", SCOPE]);
  assert.equal(token?.headers.authorization, undefined);
  assert.equal(second?.headers.authorization, "Bearer t1");
});

Deno.test("the password goes to the token service, and the token to the registry", async () => {
  await using upstream = await startWithTokens();
  using client = makeClient({ url: upstream.url, username: "robot", password: "s3cret" });
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  assert.deepEqual(upstream.asked.map(({ headers }) => headers.authorization), [
    undefined,
    BASIC,
    "Bearer t1",
  ]);
});

Deno.test(
  "a token is used again, without a further 401, until three quarters of its life are over",
  inTries(async () => {
    await using upstream = await startWithTokens((_, serial) => ({
      access_token: `t${serial}`,
      expires_in: 1,
    }));
    using client = makeClient(upstream);
    await client.getManifest(NAME, tagged("v1"));
    await client.getManifest(NAME, tagged("v2"));
    assert.equal(upstream.asked.length, 4);
    await new Promise((resolve) => setTimeout(resolve, 800));
    await client.getManifest(NAME, tagged("v2"));
    assert.equal(upstream.asked.at(-2)?.path.startsWith("/token"), true);
    assert.equal(upstream.asked.at(-1)?.headers.authorization, "Bearer t2");
  }),
);

Deno.test("requests that want the same token wait for one", async () => {
  await using upstream = await startWithTokens();
  using client = makeClient(upstream);
  await client.getManifest(NAME, tagged("v1"));
  upstream.asked.length = 0;
  using other = makeClient(upstream);
  await Promise.all(Array.from({ length: 20 }, () => other.getManifest(NAME, tagged("v1"))));
  assert.equal(upstream.count("GET", /^\/token/), 1);
});

Deno.test("a token that is refused is fetched anew once", async () => {
  await using upstream = await startWithTokens();
  const honest = upstream.script;
  using client = makeClient(upstream);
  await client.getManifest(NAME, tagged("v1"));
  upstream.script = (asked, response, request) => {
    const revoked = { ...asked, headers: { ...asked.headers, authorization: undefined } };
    return honest(asked.headers.authorization === "Bearer t1" ? revoked : asked, response, request);
  };
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  assert.equal(upstream.asked.at(-1)?.headers.authorization, "Bearer t2");
});

Deno.test("an upstream that refuses every token is given up after the second 401", async () => {
  await using upstream = await startWithTokens(() => ({ token: "refused" }));
  using client = makeClient(upstream);
  await expectFault(client.getManifest(NAME, tagged("v1")), "denied", /answers 401 .*without credentials/);
  assert.equal(upstream.asked.length, 3);
});

Deno.test("a password that the token service refuses is told from a broken upstream", async () => {
  await using upstream = await startWithTokens(() => undefined);
  using client = makeClient({ url: upstream.url, username: "robot", password: "wrong" });
  const fault = await expectFault(
    client.getManifest(NAME, tagged("v1")),
    "denied",
    /token service .* answers 401/,
  );
  assert.doesNotMatch(`${fault.message} ${fault.stack}`, /wrong/);
});

const USELESS = [
  ["no token", {}],
  ["a token that is no text", { token: 7 }],
  ["a token with a line end in it", { token: "t\r\nx-evil: 1" }],
  ["a token too long for a header", { token: "t".repeat(40_000) }],
  ["an answer of a megabyte", { token: "t", filler: "x".repeat(1_000_000) }],
  ["a list", ["t"]],
] as const;

for (const [what, answer] of USELESS) {
  Deno.test(`${what} from a token service is refused`, async () => {
    await using upstream = await startWithTokens(() => answer);
    using client = makeClient(upstream);
    await expectFault(client.getManifest(NAME, tagged("v1")), "broken");
  });
}

Deno.test("Basic is answered with the configured password, without asking for it each time", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addManifest(NAME, buildImage().manifest, "v1");
  upstream.script = ({ headers }, response) => {
    if (headers.authorization === BASIC) return false;
    sendJson(response, 401, {}, { "www-authenticate": 'Basic realm="r"' });
    return true;
  };
  using client = makeClient({ url: upstream.url, username: "robot", password: "s3cret" });
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  assert.equal(upstream.asked.length, 3);
  using wrong = makeClient({ url: upstream.url, username: "robot", password: "other" });
  await expectFault(wrong.getManifest(NAME, tagged("v1")), "denied");
  using nobody = makeClient(upstream);
  await expectFault(nobody.getManifest(NAME, tagged("v1")), "denied", /none is configured/);
});
