/** Holds that a remembered verdict is never used longer or for more than it was given. */
import assert from "node:assert/strict";
import type { ClientTrust } from "../../src/auth/client_trust.ts";
import { VerdictCache } from "../../src/auth/verdict_cache.ts";
import { makeAuthority, makeClient } from "./certificate_factory.ts";
import { trustIn } from "./expect_verdict.ts";

const root = makeAuthority({ subject: "Root" });
const middle = makeAuthority({ subject: "Middle", issuer: root });
const alice = makeClient(middle);
const good = [alice.der, middle.der];
const foreign = [makeClient(makeAuthority({ subject: "Foreign" })).der];
const LIMITS = { mostAccepted: 3, mostRefused: 2, refusalLifetime: 1_000 };

/** A trust that counts how often it is asked. */
function counting(trust: ClientTrust): { trust: ClientTrust; asked: () => number } {
  let asked = 0;
  const verify: ClientTrust["verify"] = (...values) => {
    asked++;
    return trust.verify(...values);
  };
  return { trust: { verify } as ClientTrust, asked: () => asked };
}

Deno.test("VerdictCache asks once for the same chain, and again for every other one", async () => {
  const { trust, asked } = counting(await trustIn([root]));
  const cache = new VerdictCache(trust);
  const now = Date.now();
  const first = await cache.verify(good, now);
  assert.equal(first.accepted, true);
  assert.equal(await cache.verify(good.map((der) => der.slice()), now + 1), first);
  assert.equal(asked(), 1);
  assert.equal((await cache.verify([alice.der], now)).accepted, false);
  assert.equal((await cache.verify([...good, root.der], now)).accepted, true);
  assert.equal((await cache.verify([...good].reverse(), now)).accepted, false);
  assert.equal((await cache.verify([new Uint8Array([...alice.der, ...middle.der])], now)).accepted, false);
  assert.equal(asked(), 5);
});

Deno.test("VerdictCache asks again after validUntil, and when the clock was set back", async () => {
  const { trust, asked } = counting(await trustIn([root]));
  const cache = new VerdictCache(trust);
  const now = Date.now();
  const verdict = await cache.verify(good, now);
  assert.ok(verdict.accepted);
  assert.equal(await cache.verify(good, verdict.validUntil), verdict);
  assert.equal((await cache.verify(good, verdict.validUntil + 1)).accepted, false);
  assert.equal(asked(), 2);
  const early = new VerdictCache(trust);
  await early.verify(good, now);
  const refused = await early.verify(good, now - 365 * 24 * 3_600_000);
  assert.equal(refused.accepted ? "" : refused.code, "not_yet_valid");
});

Deno.test("VerdictCache remembers a refusal for a short time only", async () => {
  const { trust, asked } = counting(await trustIn([root]));
  const cache = new VerdictCache(trust, LIMITS);
  await cache.verify(foreign, 1e12);
  await cache.verify(foreign, 1e12 + 1_000);
  assert.equal(asked(), 1);
  await cache.verify(foreign, 1e12 + 1_001);
  assert.equal(asked(), 2);
});

Deno.test("VerdictCache gives up what was used least, and never an accepted verdict for a refused one", async () => {
  const { trust, asked } = counting(await trustIn([root]));
  const cache = new VerdictCache(trust, LIMITS);
  const now = Date.now();
  const clients = Array.from({ length: 4 }, (_, i) => [makeClient(root, { subject: `client ${i}` }).der]);
  const [first = [], second = [], third = [], fourth = []] = clients;
  for (const chain of [first, second, third, first]) await cache.verify(chain, now);
  for (let i = 0; i < 20; i++) await cache.verify([Uint8Array.of(i)], now);
  assert.equal(asked(), 23);
  await cache.verify(fourth, now);
  for (const chain of [first, third, fourth]) await cache.verify(chain, now);
  assert.equal(asked(), 24);
  await cache.verify(second, now);
  assert.equal(asked(), 25);
});
