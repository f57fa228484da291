import assert from "node:assert/strict";
import { FailureLimit, networkOf } from "../../src/auth/failure_limit.ts";

const A = "192.0.2.1";

function failTimes(limit: FailureLimit, address: string, times: number, now: number): void {
  for (let i = 0; i < times; i++) limit.count(address, now);
}

Deno.test("an address may fail ten times in a minute, then it waits for the minute to end", () => {
  const limit = new FailureLimit();
  failTimes(limit, A, 9, 1000);
  assert.equal(limit.waitOf(A, 1000), 0);
  limit.count(A, 31_000);
  assert.equal(limit.waitOf(A, 31_000), 30);
  assert.equal(limit.waitOf(A, 60_999), 1);
  assert.equal(limit.waitOf(A, 61_000), 0);
  failTimes(limit, A, 9, 61_000);
  assert.equal(limit.waitOf(A, 61_000), 0, "a new window counts from the start");
});

Deno.test("other addresses are not touched", () => {
  const limit = new FailureLimit();
  failTimes(limit, A, 100, 0);
  assert.equal(limit.waitOf(A, 0), 60);
  for (const other of ["192.0.2.2", "2001:db8::1", "unknown"]) assert.equal(limit.waitOf(other, 0), 0);
});

Deno.test("all addresses of one IPv6 /64 are one, however they are written", () => {
  const limit = new FailureLimit();
  for (let i = 0; i < 10; i++) limit.count(`2001:db8:0:1:${i}::${i}`, 0);
  assert.equal(limit.waitOf("2001:db8:0:1:ffff:ffff:ffff:ffff", 0), 60);
  assert.equal(limit.waitOf("2001:db8:0:1::", 0), 60);
  assert.equal(limit.waitOf("2001:db8::1:0:0:0:1", 0), 60);
  assert.equal(limit.waitOf("2001:db8:0:2::", 0), 0);
  assert.equal(limit.waitOf("2001:db8::1", 0), 0);
});

Deno.test("networkOf() gives the first four groups of an IPv6 address", () => {
  const cases: [address: string, network: string][] = [
    ["::1", "0:0:0:0"],
    ["::", "0:0:0:0"],
    ["1::", "1:0:0:0"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4"],
    ["1:2:3::8", "1:2:3:0"],
    ["::3:4:5:6:7:8", "0:0:3:4"],
    ["192.0.2.1", "192.0.2.1"],
    ["unknown", "unknown"],
  ];
  for (const [address, network] of cases) assert.equal(networkOf(address), network);
});

Deno.test("a hundred thousand addresses that fail push each other out, not the last ones", () => {
  const limit = new FailureLimit();
  failTimes(limit, A, 10, 0);
  for (let i = 0; i < 100_000; i++) limit.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 0);
  assert.equal(limit.waitOf(A, 0), 0, "the oldest is forgotten");
  const last = `10.1.${(99_999 >> 8) & 255}.${99_999 & 255}`;
  failTimes(limit, last, 9, 0);
  assert.equal(limit.waitOf(last, 0), 60, "the newest is not");
});
