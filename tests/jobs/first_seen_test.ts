/** FirstSeen: how long something has been there without a break. */
import assert from "node:assert/strict";
import { FirstSeen } from "../../src/jobs/first_seen.ts";

Deno.test("something is seen for the time since the first of the looks that found it without a break", () => {
  let elapsed = 0;
  const seen = new FirstSeen(() => elapsed);
  seen.beginLook();
  assert.equal(seen.see("a"), 0);
  elapsed = 100;
  seen.beginLook();
  assert.equal(seen.see("a"), 100);
  assert.equal(seen.see("b"), 0);
  elapsed = 250;
  seen.beginLook();
  assert.equal(seen.see("b"), 150);
  elapsed = 300;
  seen.beginLook();
  assert.equal(seen.see("a"), 0, "it was gone for a look");
});
