/** `[observability.tracing]`: where traces go, and how many. */
import assert from "node:assert/strict";
import { load, problemsOf } from "./load_text.ts";

const tracing = (...lines: string[]): string => ["[observability.tracing]", ...lines].join("\n");

Deno.test("nothing is traced without the table, and everything with an endpoint alone", () => {
  assert.equal(load("").tracing, undefined);
  assert.deepEqual(load(tracing('endpoint = "http://127.0.0.1:4318/"')).tracing, {
    endpoint: "http://127.0.0.1:4318",
    samplingRate: 1,
  });
  for (const rate of ["0", "0.0", "0.25", "1", "1.0"]) {
    const { tracing: read } = load(tracing('endpoint = "http://a/otlp"', `sampling_rate = ${rate}`));
    assert.deepEqual(read, { endpoint: "http://a/otlp", samplingRate: Number(rate) });
    const text = tracing('endpoint = "http://a/otlp"', 'sampling_rate = "${RATE}"');
    assert.deepEqual(load(text, { env: { RATE: rate } }).tracing, read, "from the environment");
  }
});

Deno.test("what is no collector or no part of a whole is refused, and a secret in a URL is not shown", () => {
  assert.deepEqual(problemsOf(tracing()), [
    "config.toml:1: observability.tracing.endpoint: is missing, expected a URL such as " +
    '"http://127.0.0.1:4318", without query, user name and password',
  ]);
  const [problem] = problemsOf(tracing('endpoint = "http://a:secret@b:4318"'));
  assert.match(problem!, /^config\.toml:2: observability\.tracing\.endpoint: expected a URL/);
  assert.doesNotMatch(problem!, /secret/);
  for (const rate of ["-0.1", "1.1", "2", "nan", "inf", '"half"', "true"]) {
    const [problem] = problemsOf(tracing('endpoint = "http://a"', `sampling_rate = ${rate}`));
    assert.match(
      problem!,
      /^config\.toml:3: observability\.tracing\.sampling_rate: expected a number from 0 to 1/,
    );
  }
});
