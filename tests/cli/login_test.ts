/** Passwords and tokens at a running registry, where threads, ports and sockets are real. */
import assert from "node:assert/strict";
import { makeIdentity } from "../auth/cheap_identities.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { utf8 } from "../model/bytes.ts";
import { RawClient } from "../server/raw_client.ts";

const POLICY = `
[global.access_policy]
rules = [
  "identity.username == 'alice'",
  "request.action == 'get-api-version' || request.namespace.startsWith('open/')",
]
`;

async function start(more = ""): Promise<RunningRegistry> {
  const { passwordHash } = await makeIdentity("alice", "secret");
  const config = `
[global]
trusted_proxies = ["127.0.0.1"]
${POLICY}
[auth.identity.alice-id]
username = "alice"
password = "${passwordHash}"
${more}`;
  return await startRegistry({ tls: false, server: "threads = 2", config });
}

const basic = (pair: string): string => `Basic ${utf8(pair).toBase64()}`;

interface Shown {
  readonly authorization?: string;
  /** Address that the trusted proxy tells. */
  readonly from?: string;
}

async function get(registry: RunningRegistry, path: string, { authorization, from }: Shown = {}) {
  const headers = new Headers();
  if (authorization !== undefined) headers.set("authorization", authorization);
  if (from !== undefined) headers.set("x-forwarded-for", from);
  const response = await fetch(`${registry.url}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers };
}

Deno.test("right and wrong passwords, many at once and empty ones, are told apart by every thread", async () => {
  await using registry = await start();
  const list = "/v2/_catalog";
  const right = await Promise.all(
    Array.from({ length: 40 }, () => get(registry, list, { authorization: basic("alice:secret") })),
  );
  for (const { status, text } of right) assert.deepEqual([status, text], [200, '{"repositories":[]}']);
  for (const [i, pair] of ["alice:wrong", "alice:", "nobody:secret", ":secret"].entries()) {
    const { status, headers } = await get(registry, list, {
      authorization: basic(pair),
      from: `203.0.113.${i}`,
    });
    assert.deepEqual([status, headers.get("www-authenticate")?.slice(0, 5)], [401, "Basic"], pair);
  }
  assert.equal((await get(registry, list)).status, 401);
  assert.equal((await get(registry, "/v2/open/app/tags/list")).status, 404);
  // A bad password is no way to be anonymous.
  const bad = { authorization: basic("alice:wrong"), from: "203.0.113.9" };
  assert.equal((await get(registry, "/v2/open/app/tags/list", bad)).status, 401);
});

Deno.test("an address that tries passwords is told to wait, and nobody else is", async () => {
  await using registry = await start();
  const from = "203.0.113.1";
  const tries = await Promise.all(
    Array.from({ length: 20 }, (_, i) => get(registry, "/v2/", { authorization: basic(`alice:${i}`), from })),
  );
  const statuses = tries.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 401).length, 10, `${statuses}`);
  assert.equal(statuses.filter((status) => status === 429).length, 10, `${statuses}`);
  const right = { authorization: basic("alice:secret") };
  const limited = await get(registry, "/v2/", { ...right, from });
  assert.equal(limited.status, 429);
  assert.match(limited.headers.get("retry-after")!, /^[1-9][0-9]?$/);
  assert.match(limited.text, /Too many wrong passwords from 203\.0\.113\.1: try again in \d+ s/);
  assert.equal((await get(registry, "/v2/", { ...right, from: "203.0.113.2" })).status, 200);
  assert.doesNotMatch(registry.logLines.join("\n"), /secret/);
});

Deno.test("two Authorization headers on one request are refused", async () => {
  await using registry = await start();
  const header = `Authorization: ${basic("alice:secret")}\r\n`;
  for (
    const [headers, status] of [[header, 200], [header + header, 400], [
      `${header}authorization:\r\n`,
      400,
    ]] as const
  ) {
    using client = await RawClient.connect(registry.port, undefined);
    await client.send(`GET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    assert.equal((await client.readAnswer()).status, status, headers);
  }
});

Deno.test("with the token service anonymous pull and authenticated push go together", async () => {
  const secret = new Uint8Array(32).fill(9).toBase64();
  await using registry = await start(`[auth.token_service]\nsecret_key = "${secret}"\n`);
  const root = await get(registry, "/v2/", {});
  assert.equal(root.status, 401);
  assert.equal(
    root.headers.get("www-authenticate"),
    `Bearer realm="http://${registry.host}/token",service="${registry.host}"`,
  );
  const tokenFor = async (authorization?: string): Promise<string> => {
    const shown = authorization === undefined ? {} : { authorization };
    const { text } = await get(registry, "/token?service=x&scope=repository:open/app:pull", shown);
    return `Bearer ${JSON.parse(text).token}`;
  };
  const [nobody, alice] = [await tokenFor(), await tokenFor(basic("alice:secret"))];
  assert.equal((await get(registry, "/v2/", { authorization: nobody })).status, 200);
  assert.equal((await get(registry, "/v2/open/app/tags/list", { authorization: nobody })).status, 404);
  assert.equal((await get(registry, "/v2/_catalog", { authorization: nobody })).status, 401);
  assert.equal((await get(registry, "/v2/_catalog", { authorization: alice })).status, 200);
  const swapped = await get(registry, "/token", { authorization: alice });
  assert.deepEqual([swapped.status, swapped.headers.get("www-authenticate")?.slice(0, 5)], [401, "Basic"]);
});
