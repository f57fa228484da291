import assert from "node:assert/strict";
import { UpstreamFault } from "../../src/core/upstream_fault.ts";
import { CircuitBreaker } from "../../src/upstream/circuit_breaker.ts";

function makeBreaker() {
  const clock = { now: 0 };
  const breaker = new CircuitBreaker("r.example.com", () => clock.now);
  const isOpen = () => {
    try {
      breaker.enter();
      return false;
    } catch (fault) {
      assert.ok(fault instanceof UpstreamFault);
      return true;
    }
  };
  return { clock, breaker, isOpen };
}

Deno.test("a host that answers is asked", () => {
  const { breaker, isOpen } = makeBreaker();
  for (const status of [200, 404, 401]) {
    assert.equal(isOpen(), false);
    breaker.answered(status);
  }
});

Deno.test("a host that does not answer is not asked for 5 s, and the refusal says why", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  breaker.enter();
  breaker.failed("connection refused");
  assert.throws(() => breaker.enter(), /"r\.example\.com" is not asked .*: connection refused/);
  clock.now = 4999;
  assert.equal(isOpen(), true);
  clock.now = 5000;
  assert.equal(isOpen(), false);
});

Deno.test("after the pause one request goes through, and the others wait for what becomes of it", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  breaker.failed("x");
  clock.now = 5000;
  assert.deepEqual([isOpen(), isOpen(), isOpen()], [false, true, true]);
  breaker.answered(200);
  assert.equal(isOpen(), false);
});

Deno.test("a request that was given up lets the next one through", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  breaker.failed("x");
  clock.now = 5000;
  breaker.enter();
  breaker.left();
  assert.equal(isOpen(), false);
});

Deno.test("the pause doubles with each failure, up to a minute", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  for (const pause of [5000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    breaker.failed("x");
    clock.now += pause - 1;
    assert.equal(isOpen(), true, `after ${pause - 1} ms`);
    clock.now += 1;
    assert.equal(isOpen(), false, `after ${pause} ms`);
  }
});

Deno.test("three answers of 5xx in a row count as a failure, two and a good one do not", () => {
  const { breaker, isOpen } = makeBreaker();
  for (const status of [500, 503, 200, 500, 502]) breaker.answered(status);
  assert.equal(isOpen(), false);
  breaker.answered(503);
  assert.equal(isOpen(), true);
});

Deno.test("one connection that breaks off is no failure of the host, three in a row are", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  breaker.broke("reset");
  breaker.broke("reset");
  breaker.answered(200);
  breaker.broke("reset");
  breaker.answered(503);
  assert.equal(isOpen(), false);
  breaker.broke("reset");
  assert.equal(isOpen(), true);
  clock.now = 5000;
  assert.equal(isOpen(), false, "one is let through");
  breaker.broke("reset");
  assert.equal(isOpen(), true, "after a pause one is enough");
});

Deno.test("requests under way that fail together are one failure", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  for (let request = 0; request < 60; request++) breaker.enter();
  for (let request = 0; request < 20; request++) breaker.failed("no route");
  for (let request = 0; request < 20; request++) breaker.broke("reset");
  for (let request = 0; request < 20; request++) breaker.answered(502);
  clock.now = 4999;
  assert.equal(isOpen(), true);
  clock.now = 5000;
  assert.equal(isOpen(), false);
});

Deno.test("429 keeps every request back for as long as the host says, or 10 s, and at most an hour", () => {
  const { clock, breaker, isOpen } = makeBreaker();
  assert.equal(breaker.limit(3000).retryAfterMs, 3000);
  clock.now = 2999;
  assert.equal(isOpen(), true);
  clock.now = 3000;
  assert.equal(isOpen(), false);
  assert.equal(breaker.limit(undefined).retryAfterMs, 10_000);
  assert.equal(breaker.limit(1e12).retryAfterMs, 3_600_000);
});
