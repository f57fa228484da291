/** The comparison of outputs with what documents show must be able to fail. */
import assert from "node:assert/strict";
import { matchOutput } from "./match_output.ts";

const OUTPUT = "one\ntwo (2)\nthree\n";

for (
  const documented of [
    "one\ntwo (2)\nthree",
    "...\nthree",
    "one\n...",
    "one\nt... (...)\n...",
    "...",
    "one\n...\nthree",
  ]
) {
  Deno.test(`matchOutput() takes ${JSON.stringify(documented)} for what was printed`, () => {
    assert.equal(matchOutput(OUTPUT, documented), undefined);
  });
}

for (
  const documented of [
    "one",
    "one\ntwo (3)\nthree",
    "...\none",
    "...\ntwo (2)",
    "one\n...\nfour",
    "on\n...",
    "one\ntwo .2.\n...",
  ]
) {
  Deno.test(`matchOutput() does not take ${JSON.stringify(documented)} for what was printed`, () => {
    assert.equal(typeof matchOutput(OUTPUT, documented), "string");
  });
}
