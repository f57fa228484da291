import assert from "node:assert/strict";
import { argon2d, argon2i, argon2id, type IArgon2Options } from "hash-wasm";
import { faultOfPassword, hashPassword, verifyPassword } from "../../src/auth/password_hash.ts";
import { faultOfPasswordHash } from "../../src/core/password_hash.ts";

function cheap(password: string): IArgon2Options & { outputType: "encoded" } {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  return {
    password,
    salt,
    memorySize: 64,
    iterations: 1,
    parallelism: 1,
    hashLength: 32,
    outputType: "encoded",
  };
}

Deno.test("hashPassword() makes a new hash each time, in a form that the configuration takes", async () => {
  const [first, second] = [await hashPassword("p\u00e4ssword"), await hashPassword("p\u00e4ssword")];
  for (const hash of [first, second]) {
    assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(faultOfPasswordHash(hash), undefined);
    assert.equal(await verifyPassword("p\u00e4ssword", hash), true);
    assert.equal(await verifyPassword("p\u00e4sswore", hash), false);
  }
  assert.notEqual(first, second);
});

Deno.test("verifyPassword() knows all three kinds of argon2", async () => {
  for (const make of [argon2id, argon2i, argon2d]) {
    const hash = await make(cheap("secret"));
    assert.equal(faultOfPasswordHash(hash), undefined);
    assert.equal(await verifyPassword("secret", hash), true);
    for (const wrong of ["Secret", "secret ", "secre", "secret\0", ""]) {
      assert.equal(await verifyPassword(wrong, hash), false);
    }
  }
});

Deno.test("verifyPassword() takes a letter with its accent apart for the same letter", async () => {
  const hash = await argon2id(cheap("\u00e9"));
  assert.equal(await verifyPassword("e\u0301", hash), true);
});

Deno.test("an empty password fits no hash, not even that of its stand-in", async () => {
  assert.equal(await verifyPassword("", await argon2id(cheap("\0"))), false);
});

Deno.test("verifyPassword() verifies whatever faultOfPasswordHash() lets through", async () => {
  const hashes = [
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
    "$argon2i$v=19$m=16,t=1,p=2$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
    `$argon2d$v=19$m=8,t=64,p=1$${"A".repeat(86)}$${"A".repeat(172)}`,
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHR$aGFzaGhhc2hoYXNoh",
  ];
  for (const hash of hashes) {
    if (faultOfPasswordHash(hash) === undefined) assert.equal(await verifyPassword("a", hash), false);
  }
  assert.equal(faultOfPasswordHash(hashes[0]!), undefined);
});

Deno.test("faultOfPassword() refuses what no client could send", () => {
  for (const good of ["a", "p\u00e4ss w\u00f6rd:\u{1f511}", "x".repeat(1000)]) {
    assert.equal(faultOfPassword(good), undefined);
  }
  const bad = ["", "a\tb", "a\x1b[A", "\0", "\x7f", "\u009f", "x".repeat(1001), "\u00e4".repeat(501)];
  for (const password of bad) assert.match(faultOfPassword(password)!, /^it (is|holds) /);
});
