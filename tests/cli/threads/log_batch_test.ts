/** The gathering of a thread's log lines. */
import assert from "node:assert/strict";
import { LogBatch } from "../../../src/cli/threads/log_batch.ts";

function collect() {
  const sent: string[] = [];
  const arrival = Promise.withResolvers<void>();
  const batch = new LogBatch((lines) => {
    sent.push(lines);
    arrival.resolve();
  });
  return { sent, batch, arrived: arrival.promise };
}

Deno.test("LogBatch sends lines that come together as one, in order, soon", async () => {
  const { sent, batch, arrived } = collect();
  batch.write("a\n", false);
  batch.write("b\n", false);
  assert.deepEqual(sent, []);
  await arrived;
  assert.deepEqual(sent, ["a\nb\n"]);
});

Deno.test("LogBatch sends an urgent line at once, with those before it", () => {
  const { sent, batch } = collect();
  batch.write("a\n", false);
  batch.write("b\n", true);
  assert.deepEqual(sent, ["a\nb\n"]);
});

Deno.test("LogBatch sends at once what has grown large", () => {
  const { sent, batch } = collect();
  const line = `${"a".repeat(1000)}\n`;
  for (let i = 0; i < 70; i++) batch.write(line, false);
  assert.equal(sent.length, 1);
  assert.ok(sent[0]!.length >= 64 * 1024);
  batch.flush();
  assert.equal(sent.join(""), line.repeat(70));
});

Deno.test("LogBatch.flush() sends nothing when nothing waits, and leaves no timer", () => {
  const { sent, batch } = collect();
  batch.flush();
  batch.write("a\n", false);
  batch.flush();
  batch.flush();
  assert.deepEqual(sent, ["a\n"]);
});
