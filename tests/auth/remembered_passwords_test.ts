import assert from "node:assert/strict";
import type { PasswordQuestion } from "../../src/auth/password_check.ts";
import { PasswordCheck } from "../../src/auth/password_check.ts";
import { RememberedPasswords } from "../../src/auth/remembered_passwords.ts";
import { FakeChecker, makeIdentity } from "./cheap_identities.ts";

const RIGHT: PasswordQuestion = { username: "alice", password: "right", address: "192.0.2.1" };

function setUp() {
  const checker = new FakeChecker();
  const clock = { now: 0 };
  return { checker, clock, passwords: new RememberedPasswords(checker, () => clock.now) };
}

Deno.test("a right password is remembered for a minute from its verification", async () => {
  const { checker, clock, passwords } = setUp();
  const accepted = { kind: "accepted", id: "alice-id", username: "alice" };
  for (
    const [now, asked] of [[0, 1], [30_000, 1], [59_999, 1], [60_000, 2], [60_001, 2], [119_999, 2]] as const
  ) {
    clock.now = now;
    assert.deepEqual(await passwords.check(RIGHT), accepted);
    assert.equal(checker.asked.length, asked, `at ${now}`);
  }
});

Deno.test("forty requests at once cost one verification", async () => {
  const { checker, passwords } = setUp();
  const gate = Promise.withResolvers<void>();
  checker.gate = gate.promise;
  const answers = Array.from({ length: 40 }, () => passwords.check(RIGHT));
  gate.resolve();
  for (const { kind } of await Promise.all(answers)) assert.equal(kind, "accepted");
  assert.equal(checker.asked.length, 1);
});

Deno.test("a wrong password is asked for each time, and does not end the memory of the right one", async () => {
  const { checker, passwords } = setUp();
  await passwords.check(RIGHT);
  for (const password of ["wrong", "wrong", "", "righ", "right "]) {
    assert.deepEqual(await passwords.check({ ...RIGHT, password }), { kind: "refused" });
  }
  assert.equal(checker.asked.length, 6);
  assert.equal((await passwords.check(RIGHT)).kind, "accepted");
  assert.equal(checker.asked.length, 6);
});

Deno.test("user name and password are not one text", async () => {
  const { checker, passwords } = setUp();
  await passwords.check({ username: "ab", password: "right", address: "192.0.2.1" });
  assert.equal(
    (await passwords.check({ username: "a", password: "bright", address: "192.0.2.1" })).kind,
    "refused",
  );
  assert.equal(
    (await passwords.check({ username: "abr", password: "ight", address: "192.0.2.1" })).kind,
    "refused",
  );
  assert.equal(checker.asked.length, 3);
});

Deno.test("what failed is not remembered and does not stand in the way", async () => {
  const { checker, passwords } = setUp();
  checker.gate = Promise.reject(new Error("no memory"));
  await assert.rejects(passwords.check(RIGHT), /no memory/);
  checker.gate = Promise.resolve();
  for (const kind of ["busy", "limited"] as const) {
    checker.answer = { kind, retryAfterSeconds: 1 };
    assert.equal((await passwords.check(RIGHT)).kind, kind);
  }
  checker.answer = undefined;
  assert.equal((await passwords.check(RIGHT)).kind, "accepted");
  assert.equal(checker.asked.length, 4);
});

Deno.test("a password that is remembered cannot be found by trying without limit", async () => {
  const alice = await makeIdentity("alice", "right");
  const bob = await makeIdentity("bob", "right");
  const passwords = new RememberedPasswords(new PasswordCheck([alice, bob], () => 0), () => 0);
  const bobs = { ...RIGHT, username: "bob" };
  assert.equal((await passwords.check(RIGHT)).kind, "accepted");
  assert.equal((await passwords.check(bobs)).kind, "accepted");
  // From elsewhere: the memory is not for strangers.
  const elsewhere = "198.51.100.1";
  for (let i = 0; i < 10; i++) await passwords.check({ ...RIGHT, password: `${i}`, address: elsewhere });
  assert.equal((await passwords.check({ ...RIGHT, address: elsewhere })).kind, "limited");
  assert.equal((await passwords.check(RIGHT)).kind, "accepted", "the true one is not disturbed");
  // From behind the same address: the first try beyond the limit ends the memory of the one who is attacked.
  for (let i = 0; i < 11; i++) await passwords.check({ ...RIGHT, password: `${i}` });
  assert.equal((await passwords.check(RIGHT)).kind, "limited");
  assert.equal((await passwords.check(bobs)).kind, "accepted", "others behind the address go on");
});

Deno.test("another address of one IPv6 network is the same client", async () => {
  const { checker, passwords } = setUp();
  for (const address of ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]) {
    assert.equal((await passwords.check({ ...RIGHT, address })).kind, "accepted");
  }
  assert.equal(checker.asked.length, 2);
});

Deno.test("the memory is bounded, the oldest goes first", async () => {
  const { checker, passwords } = setUp();
  await passwords.check(RIGHT);
  for (let i = 0; i < 10_000; i++) await passwords.check({ ...RIGHT, username: `user-${i}` });
  assert.equal(checker.asked.length, 10_001);
  await passwords.check({ ...RIGHT, username: "user-9999" });
  assert.equal(checker.asked.length, 10_001);
  await passwords.check(RIGHT);
  assert.equal(checker.asked.length, 10_002);
});
