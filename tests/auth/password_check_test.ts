import assert from "node:assert/strict";
import { PasswordCheck } from "../../src/auth/password_check.ts";
import { makeIdentity } from "./cheap_identities.ts";

const A = "192.0.2.1";
const B = "192.0.2.2";

Deno.test("check() accepts the right password of the right user and refuses everything else", async () => {
  const alice = await makeIdentity("alice", "secret");
  const bob = await makeIdentity("bob", "other");
  const check = new PasswordCheck([alice, bob], () => 0);
  assert.deepEqual(await check.check({ username: "alice", password: "secret", address: A }), {
    kind: "accepted",
    id: "alice-id",
    username: "alice",
  });
  for (
    const [username, password] of [
      ["alice", "other"],
      ["bob", "secret"],
      ["Alice", "secret"],
      ["alice-id", "secret"],
      ["", "secret"],
      ["alice", ""],
      ["nobody", "secret"],
      ["__proto__", "secret"],
      ["constructor", ""],
    ] as const
  ) {
    const answer = await check.check({ username, password, address: `198.51.100.${password.length}` });
    assert.deepEqual(answer, { kind: "refused" }, `${username}:${password}`);
  }
});

Deno.test("nobody is accepted where nobody is known", async () => {
  const check = new PasswordCheck([], () => 0);
  assert.deepEqual(await check.check({ username: "", password: "", address: A }), { kind: "refused" });
});

Deno.test("an address with ten wrong passwords is told to wait, even with the right one", async () => {
  let now = 0;
  const check = new PasswordCheck([await makeIdentity("alice", "secret")], () => now);
  const right = { username: "alice", password: "secret" };
  for (let i = 0; i < 10; i++) {
    const answer = await check.check({ username: "alice", password: `try ${i}`, address: A });
    assert.equal(answer.kind, "refused");
  }
  assert.deepEqual(await check.check({ ...right, address: A }), { kind: "limited", retryAfterSeconds: 60 });
  assert.equal((await check.check({ ...right, address: B })).kind, "accepted", "others are not touched");
  now = 60_000;
  assert.equal((await check.check({ ...right, address: A })).kind, "accepted");
});

Deno.test("tries that are sent at once do not get past the limit", async () => {
  const check = new PasswordCheck([await makeIdentity("alice", "secret")], () => 0);
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, i) => check.check({ username: "alice", password: `${i}`, address: A })),
  );
  const kinds = answers.map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === "refused").length, 10);
  assert.equal(kinds.filter((kind) => kind === "limited").length, 22);
});

Deno.test("one address that floods keeps nobody else out, and all together wait in a queue of bounded length", async () => {
  const check = new PasswordCheck([await makeIdentity("alice", "secret")], () => 0);
  const flood = (address: string, times: number) =>
    Array.from({ length: times }, (_, i) => check.check({ username: "alice", password: `${i}`, address }));
  const flooded = flood("2001:db8::1", 20).concat(flood("2001:db8::2", 80));
  const right = await check.check({ username: "alice", password: "secret", address: A });
  assert.equal(right.kind, "accepted");
  const kinds = (await Promise.all(flooded)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === "busy").length, 100 - 32, "one /64 is one address");

  const everywhere = Array.from({ length: 100 }, (_, i) => flood(`198.51.100.${i}`, 1)).flat();
  const busy = (await Promise.all(everywhere)).filter(({ kind }) => kind === "busy");
  assert.deepEqual([busy.length, busy[0]], [100 - 64, { kind: "busy", retryAfterSeconds: 1 }]);
  assert.equal((await check.check({ username: "alice", password: "secret", address: B })).kind, "accepted");
});

Deno.test("a hash that cannot be verified fails its own question only", async () => {
  const alice = await makeIdentity("alice", "secret");
  const check = new PasswordCheck([{ id: "x", username: "x", passwordHash: "broken" }, alice], () => 0);
  const [broken, right] = await Promise.allSettled([
    check.check({ username: "x", password: "x", address: A }),
    check.check({ username: "alice", password: "secret", address: A }),
  ]);
  assert.equal(broken.status, "rejected");
  assert.equal(right.status === "fulfilled" && right.value.kind, "accepted");
});

Deno.test("an unknown user, a wrong password and an empty one take the same time", async () => {
  const check = new PasswordCheck([
    await makeIdentity("alice", "secret", { memorySize: 512 }),
    await makeIdentity("bob", "secret", { memorySize: 512 }),
  ], () => 0);
  const questions = [
    { username: "alice", password: "wrong" },
    { username: "nobody", password: "wrong" },
    { username: "alice", password: "" },
    { username: "nobody", password: "" },
  ];
  const times = questions.map((): number[] => []);
  const measure = async (rounds: number): Promise<number[]> => {
    for (let round = 0; round < rounds; round++) {
      // In turns, so that whatever else the machine does falls on all alike.
      for (const [i, question] of questions.entries()) {
        const address = `10.${i}.${times[i]!.length >> 8}.${times[i]!.length & 255}`;
        const start = performance.now();
        assert.equal((await check.check({ ...question, address })).kind, "refused");
        times[i]!.push(performance.now() - start);
      }
    }
    return times.map((of) => of.toSorted((a, b) => a - b)[of.length >> 1]!);
  };
  for (let tries = 0;; tries++) {
    const medians = await measure(200);
    const [least, most] = [Math.min(...medians), Math.max(...medians)];
    if (most <= least * 1.1) break;
    assert.ok(tries < 10, `medians differ by more than 10 %: ${medians}`);
  }
});

Deno.test("where hashes differ in cost, unknown users take the time of some known user, always the same", async () => {
  const identities = [
    await makeIdentity("cheap", "secret", { memorySize: 8 }),
    await makeIdentity("dear", "secret", { memorySize: 8192 }),
  ];
  /** ms of the fastest of some tries, up to the first below `enough`: whatever else the machine does only adds time. */
  const fastest = async (username: string, enough = 0): Promise<number> => {
    // A new one each time: a restart must not tell an unknown user from a known one.
    const check = new PasswordCheck(identities, () => 0);
    let least = Infinity;
    for (let i = 0; i < 24 && least >= enough; i++) {
      const start = performance.now();
      // Each from an address of its own, since failures of one are counted.
      await check.check({ username, password: "wrong", address: `10.0.0.${i}` });
      least = Math.min(least, performance.now() - start);
    }
    return least;
  };
  const [cheap, dear] = [await fastest("cheap"), await fastest("dear")];
  assert.ok(dear > 4 * cheap, `${dear} ms is too little more than ${cheap} ms to tell one from the other`);
  const limit = Math.sqrt(cheap * dear);
  const isSlow = async (username: string): Promise<boolean> => await fastest(username, limit) >= limit;
  const seen: boolean[] = [];
  for (let i = 0; i < 24; i++) {
    const first = await isSlow(`nobody-${i}`);
    assert.equal(await isSlow(`nobody-${i}`), first);
    seen.push(first);
  }
  // Both kinds occur, but for once in eight million runs.
  assert.ok(seen.includes(true) && seen.includes(false), `${seen}`);
});
