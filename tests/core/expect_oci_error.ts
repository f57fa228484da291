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
