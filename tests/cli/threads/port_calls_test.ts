import assert from "node:assert/strict";
import { answerCalls, PortCalls } from "../../../src/cli/threads/port_calls.ts";

function connect<Q, A>(answer: (question: Q) => Promise<A>) {
  const { port1, port2 } = new MessageChannel();
  answerCalls(port2, answer);
  const calls = new PortCalls<Q, A>(port1, "test");
  return {
    calls,
    [Symbol.dispose](): void {
      port1.close();
      port2.close();
    },
  };
}

Deno.test("an answer finds its question, in whatever order answers come", async () => {
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  using channel = connect(async (question: { n: number }) => {
    await gates[question.n]!.promise;
    return { double: question.n * 2 };
  });
  const order: number[] = [];
  const answers = [0, 1, 2].map(async (n) => {
    const { double } = await channel.calls.call({ n });
    order.push(n);
    return double;
  });
  for (const n of [2, 0, 1]) {
    gates[n]!.resolve();
    await answers[n];
  }
  assert.deepEqual([await Promise.all(answers), order], [[0, 2, 4], [2, 0, 1]]);
});

Deno.test("a fault of the other side fails its own call only, with what happened there", async () => {
  using channel = connect((text: string): Promise<unknown> => {
    if (text === "throw") throw new RangeError("too far");
    if (text === "reject") return Promise.reject(new Error("no"));
    // deno-lint-ignore no-throw-literal -- the point of the test
    if (text === "literal") throw "a string";
    if (text === "unsendable") return Promise.resolve(() => {});
    return Promise.resolve(text);
  });
  const { calls } = channel;
  const results = await Promise.allSettled(
    ["throw", "reject", "literal", "unsendable", "fine"].map((text) => calls.call(text)),
  );
  const faults = results.slice(0, 4).map((result) => result.status === "rejected" && result.reason.stack);
  assert.match(`${faults[0]}`, /RangeError: too far/);
  assert.match(`${faults[1]}`, /Error: no/);
  assert.match(`${faults[2]}`, /a string/);
  assert.match(`${faults[3]}`, /clone/);
  assert.deepEqual(results[4], { status: "fulfilled", value: "fine" });
});

Deno.test("a question that cannot be sent fails at once, and leaves the others alone", async () => {
  using channel = connect((question: unknown) => Promise.resolve(question));
  await assert.rejects(async () => await channel.calls.call(() => {}), /clone/);
  assert.equal(await channel.calls.call(1), 1);
});

Deno.test("an answer that nobody asked for disturbs nothing", async () => {
  const { port1, port2 } = new MessageChannel();
  const calls = new PortCalls<string, string>(port1, "test");
  port2.onmessage = ({ data }) => {
    port2.postMessage({ number: 99, answer: "stray" });
    port2.postMessage({ number: 98, fault: { message: "stray", stack: "" } });
    port2.postMessage({ number: data.number, answer: "right" });
    port2.postMessage({ number: data.number, answer: "twice" });
  };
  assert.equal(await calls.call("x"), "right");
  assert.equal(await calls.call("y"), "right");
  port1.close();
  port2.close();
});
