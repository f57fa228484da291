import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { TokenService } from "../../src/auth/token_service.ts";
import { OciError } from "../../src/core/oci_error.ts";

const KEY = randomBytes(32);
const NOW = 1_700_000_000_000;
const ALICE = { id: "alice-id", username: "alice" };

const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const HEADER = { alg: "HS256", typ: "simple-registry+jwt" };
const CLAIMS = { ...ALICE, iat: NOW / 1000, exp: NOW / 1000 + 60 };

/** A token with any header and claims, with an HMAC of the given hash and key behind it. */
function forge(header: unknown, claims: unknown, hash = "sha256", key: Uint8Array | string = KEY): string {
  const signed = `${text(header)}.${text(claims)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
}

async function assertRefused(service: TokenService, token: string, now = NOW): Promise<string> {
  try {
    await service.verify(token, now);
  } catch (error) {
    assert.ok(error instanceof OciError);
    assert.equal(error.code, "UNAUTHORIZED");
    assert.match(error.message, /^The bearer token is refused: /);
    return error.message;
  }
  assert.fail(`the token was accepted: ${token}`);
}

Deno.test("a token speaks for its holder until it expires, in every thread and after a restart", async () => {
  const { token, expiresInSeconds, issuedAt } = await new TokenService(KEY, 60).issue(ALICE, NOW + 999);
  assert.deepEqual([expiresInSeconds, issuedAt], [60, NOW]);
  const service = new TokenService(KEY, 1);
  for (const now of [NOW, NOW + 1, NOW + 59_999]) {
    assert.deepEqual(await service.verify(token, now), ALICE);
    assert.deepEqual(await new TokenService(KEY, 1).verify(token, now), ALICE);
  }
  for (const now of [NOW + 60_000, NOW + 1e9]) {
    assert.match(await assertRefused(service, token, now), /expired, get a new one/);
    await assertRefused(new TokenService(KEY, 60), token, now);
  }
});

Deno.test("a token that was given while the clock was ahead is refused once that is set right, also where it was verified before", async () => {
  const [service, year, skew] = [new TokenService(KEY, 60), 365 * 86_400_000, 5 * 60_000];
  const { token } = await service.issue(ALICE, NOW + year);
  assert.deepEqual(await service.verify(token, NOW + year), ALICE);
  for (const asked of [service, new TokenService(KEY, 60)]) {
    assert.match(await assertRefused(asked, token, NOW), /the clock was set back since/);
  }
  // Servers that share a key need not agree on the second.
  assert.deepEqual(await service.verify(token, NOW + year - skew), ALICE);
  await assertRefused(service, token, NOW + year - skew - 1);
});

Deno.test("a token holds id, user name, and its times, and nothing else", async () => {
  const { token } = await new TokenService(KEY, 60).issue(ALICE, NOW);
  const [header, claims] = token.split(".").slice(0, 2).map((part) => JSON.parse(atob(part)));
  assert.deepEqual([header, claims], [HEADER, CLAIMS]);
});

Deno.test("nobody gets a token that speaks for nobody", async () => {
  const service = new TokenService(KEY, 60);
  const { token } = await service.issue({ id: "", username: "" }, NOW);
  assert.deepEqual(await service.verify(token, NOW), { id: "", username: "" });
});

Deno.test("the forger of these tests makes a token that is accepted, where everything is right", async () => {
  assert.deepEqual(await new TokenService(KEY, 60).verify(forge(HEADER, CLAIMS), NOW), ALICE);
});

Deno.test("a header does not choose how it is verified (CVE-2025-24976)", async () => {
  const service = new TokenService(KEY, 60);
  const mine = randomBytes(32);
  const jwk = { kty: "oct", k: mine.toString("base64url") };
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rsaJwk = rsa.publicKey.export({ format: "jwk" });
  const rsaSigned = (header: unknown): string => {
    const signed = `${text(header)}.${text(CLAIMS)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), rsa.privateKey).toString("base64url")}`;
  };
  const forged = [
    `${text({ alg: "none", typ: HEADER.typ })}.${text(CLAIMS)}.`,
    `${text({ alg: "none", typ: HEADER.typ })}.${text(CLAIMS)}`,
    forge({ ...HEADER, alg: "none" }, CLAIMS),
    forge({ ...HEADER, alg: "None" }, CLAIMS),
    forge({ ...HEADER, alg: "hs256" }, CLAIMS),
    forge({ ...HEADER, alg: "HS512" }, CLAIMS, "sha512"),
    forge({ ...HEADER, alg: "HS384" }, CLAIMS, "sha384"),
    forge({ typ: HEADER.typ }, CLAIMS),
    rsaSigned({ ...HEADER, alg: "RS256" }),
    rsaSigned({ ...HEADER, alg: "RS256", jwk: rsaJwk }),
    rsaSigned({ ...HEADER, jwk: rsaJwk }),
    forge(HEADER, CLAIMS, "sha256", rsa.publicKey.export({ type: "spki", format: "pem" })),
    forge({ ...HEADER, jwk }, CLAIMS, "sha256", mine),
    forge({ ...HEADER, jku: "http://127.0.0.1:1/keys" }, CLAIMS, "sha256", mine),
    forge({ ...HEADER, kid: "../../dev/null" }, CLAIMS, "sha256", ""),
    forge({ ...HEADER, kid: "trusted", x5c: ["MIIB"] }, CLAIMS, "sha256", mine),
    forge({ ...HEADER, crit: ["exp"], exp: 1 }, CLAIMS),
    forge({ ...HEADER, b64: false, crit: ["b64"] }, CLAIMS),
    forge(HEADER, CLAIMS, "sha256", randomBytes(32)),
    forge(HEADER, CLAIMS, "sha256", new Uint8Array(32)),
  ];
  for (const token of forged) await assertRefused(service, token);
});

Deno.test("a token of another kind, or without what one has, is refused", async () => {
  const service = new TokenService(KEY, 60);
  const { id: _id, ...noId } = CLAIMS;
  const { username: _username, ...noUsername } = CLAIMS;
  const { exp: _exp, ...noExpiry } = CLAIMS;
  const { iat: _iat, ...noTime } = CLAIMS;
  const forged = [
    forge({ alg: "HS256" }, CLAIMS),
    forge({ alg: "HS256", typ: "JWT" }, CLAIMS),
    forge({ alg: "HS256", typ: "angos+jwt" }, CLAIMS),
    forge(HEADER, noId),
    forge(HEADER, noUsername),
    forge(HEADER, noExpiry),
    forge(HEADER, noTime),
    forge(HEADER, { ...CLAIMS, id: null }),
    forge(HEADER, { ...CLAIMS, username: ["alice"] }),
    forge(HEADER, { ...CLAIMS, exp: "never" }),
    forge(HEADER, { ...CLAIMS, exp: null }),
    forge(HEADER, { ...CLAIMS, nbf: NOW / 1000 + 10 }),
    forge(HEADER, []),
    forge(HEADER, "claims"),
  ];
  for (const token of forged) await assertRefused(service, token);
});

Deno.test("a text that is no token, or a changed one, is refused and not repeated", async () => {
  const service = new TokenService(KEY, 60);
  const { token } = await service.issue(ALICE, NOW);
  await service.verify(token, NOW);
  const [header, claims, signature] = token.split(".") as [string, string, string];
  const changed = [
    "",
    ".",
    "..",
    "secret",
    "a.b.c",
    `${token}.`,
    `${token}x`,
    `${header}.${claims}`,
    `${header}.${claims}.`,
    `${header}.${text({ ...CLAIMS, username: "bob" })}.${signature}`,
    `${text({ ...HEADER, x: 1 })}.${claims}.${signature}`,
    "x".repeat(100_000),
    `${header}.${claims}.${"A".repeat(5000)}`,
  ];
  for (const other of changed) assert.doesNotMatch(await assertRefused(service, other), /secret/);
  assert.deepEqual(await service.verify(token, NOW), ALICE);
});

Deno.test("the memory of verified tokens is bounded", async () => {
  const service = new TokenService(KEY, 60);
  const first = forge(HEADER, CLAIMS);
  await service.verify(first, NOW);
  for (let i = 0; i < 10_050; i++) await service.verify(forge(HEADER, { ...CLAIMS, i }), NOW);
  assert.deepEqual(await service.verify(first, NOW), ALICE);
});
