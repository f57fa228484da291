/** Assertions on what the parsers of core throw. */
import assert from "node:assert/strict";
import { type ErrorCode, OciError } from "../../src/core/oci_error.ts";

/** Asserts that `run` throws an OciError of `code`, its message on one line of printable ASCII; returns the message. */
export function expectOciError(code: ErrorCode, run: () => unknown): string {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    assert.ok(error instanceof OciError, `threw ${error}`);
    assert.equal(error.code, code);
    assert.match(error.message, /^[ -~]+$/);
    assert.ok(error.message.length < 2000, "the message is bounded");
    return error.message;
  }
  assert.fail(`nothing was thrown, the result is ${JSON.stringify(result)?.slice(0, 200)}`);
}

/** Milliseconds of the fastest of up to ten runs, so that a busy machine fails no test; `enough` ms end the tries. */
export function fastestRun(enough: number, run: () => unknown): number {
  let fastest = Infinity;
  for (let i = 0; i < 10 && fastest >= enough; i++) {
    const start = performance.now();
    run();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest;
}
