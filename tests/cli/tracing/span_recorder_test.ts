/** What is recorded of work in parts, and what is not. */
import assert from "node:assert/strict";
import type { EndedSpan } from "../../../src/cli/tracing/span.ts";
import { SpanRecorder } from "../../../src/cli/tracing/span_recorder.ts";
import { readTraceparent } from "../../../src/cli/tracing/trace_context.ts";
import { traceMethods } from "../../../src/cli/tracing/traced_parts.ts";

/** Records with `rate`, and gives what was recorded. */
async function record(
  rate: number,
  work: (recorder: SpanRecorder) => Promise<unknown>,
): Promise<readonly EndedSpan[]> {
  const ended: EndedSpan[] = [];
  const recorder = new SpanRecorder(rate, (spans) => ended.push(...spans));
  await work(recorder);
  recorder.flush();
  return ended;
}

class Part {
  readonly #secret = 7;
  async find(text: string): Promise<string> {
    await Promise.resolve();
    if (text === "bad") throw Object.assign(new Error("https://secret.example/?key=x"), { code: "DENIED" });
    return `${text}${this.#secret}`;
  }
  atOnce(): number {
    return this.#secret;
  }
}

Deno.test("methods that give a promise are spans within what runs, and others pass", async () => {
  const spans = await record(1, async (recorder) => {
    const part = traceMethods(recorder, "part.", new Part());
    assert.equal(await part.find("outside"), "outside7");
    await recorder.begin("whole", undefined, {}, async () => {
      assert.equal(await part.find("a"), "a7");
      assert.equal(part.atOnce(), 7);
      await assert.rejects(part.find("bad"), /secret/);
    });
  });
  assert.deepEqual(spans.map(({ name, failed }) => [name, failed]), [
    ["part.find", false],
    ["part.find", true],
    ["whole", false],
  ]);
  const [first, second, whole] = spans;
  for (const span of [first, second]) {
    assert.deepEqual([span!.traceId, span!.parentSpanId], [whole!.traceId, whole!.spanId]);
  }
  assert.deepEqual(second!.attributes, { "error.type": "DENIED" }, "and not the message");
});

Deno.test("work that is going on beside other work keeps its own trace", async () => {
  const spans = await record(1, async (recorder) => {
    const part = traceMethods(recorder, "part.", new Part());
    await Promise.all(
      ["x", "y"].map((name) => recorder.begin(name, undefined, {}, () => part.find(name))),
    );
  });
  const traceOf = (name: string) => spans.find((span) => span.name === name)!.traceId;
  assert.notEqual(traceOf("x"), traceOf("y"));
  assert.deepEqual(
    spans.filter(({ name }) => name === "part.find").map(({ traceId }) => traceId).toSorted(),
    [traceOf("x"), traceOf("y")].toSorted(),
  );
});

Deno.test("a rate of 0 records nothing of a trace, and one between records about as much", async () => {
  const traces = (rate: number) =>
    record(rate, async (recorder) => {
      const part = traceMethods(recorder, "part.", new Part());
      for (let i = 0; i < 400; i++) await recorder.begin("whole", undefined, {}, () => part.find("a"));
    });
  assert.deepEqual(await traces(0), []);
  const some = await traces(0.5);
  const wholes = some.filter(({ name }) => name === "whole").length;
  assert.ok(wholes > 120 && wholes < 280, `${wholes} of 400`);
  assert.equal(some.length, 2 * wholes, "all of a trace or nothing");
});

Deno.test("readTraceparent() takes what the standard allows", () => {
  const [trace, span] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
  const context = { traceId: trace, spanId: span };
  assert.deepEqual(readTraceparent(`00-${trace}-${span}-01`), context);
  assert.deepEqual(readTraceparent(`01-${trace}-${span}-00-more`), context, "of a version to come");
  for (
    const wrong of [
      undefined,
      "",
      `ff-${trace}-${span}-01`,
      `00-${trace.toUpperCase()}-${span}-01`,
      `00-${"0".repeat(32)}-${span}-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `00-${trace}-${span}`,
      `00-${trace}-${span}-01\nx`,
      `x00-${trace}-${span}-01`,
    ]
  ) {
    assert.equal(readTraceparent(wrong), undefined, wrong);
  }
});
