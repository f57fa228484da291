/** The log's way to standard output: whole lines in order, and nobody waits for a slow reader. */
import assert from "node:assert/strict";
import { LogOutput } from "../../src/cli/log_output.ts";
import { inTries } from "../harness/tries.ts";

/** A reader that takes `most` bytes at a time, only while it is open. */
class SlowSink {
  text = "";
  fails = false;
  readonly #most: number;
  #opened = Promise.withResolvers<void>();

  constructor(most = Infinity) {
    this.#most = most;
  }

  open(): void {
    this.#opened.resolve();
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#opened.promise;
    if (this.fails) throw new Deno.errors.BrokenPipe("nobody reads");
    const taken = bytes.subarray(0, this.#most);
    this.text += new TextDecoder("latin1").decode(taken);
    return taken.length;
  }
}

function droppedIn(text: string): number[] {
  return text.split("\n").filter((line) => line.includes("log lines dropped")).map((line) =>
    JSON.parse(line).lines
  );
}

Deno.test("LogOutput writes lines whole and in order to a reader that takes a few bytes at a time", async () => {
  const sink = new SlowSink(3);
  const output = new LogOutput(sink);
  sink.open();
  for (let i = 0; i < 20; i++) output.write(`line ${i}\n`);
  await output.flush(1000);
  assert.equal(sink.text, Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join(""));
});

Deno.test("LogOutput writes what comes while or right after it wrote", async () => {
  const sink = new SlowSink();
  const output = new LogOutput(sink);
  sink.open();
  let expected = "";
  for (let i = 0; i < 200; i++) {
    output.write(`${i}\n`);
    expected += `${i}\n`;
    for (let turn = 0; turn < i % 7; turn++) await Promise.resolve();
  }
  await output.flush(1000);
  assert.equal(sink.text, expected);
});

Deno.test(
  "LogOutput.write() does not wait for a reader that does not read, drops what is too much, and counts it",
  inTries(async () => {
    const sink = new SlowSink();
    const output = new LogOutput(sink);
    const line = `${"a".repeat(1023)}\n`;
    const started = performance.now();
    for (let i = 0; i < 40 * 1024; i++) output.write(line);
    assert.ok(performance.now() - started < 5000);
    await output.flush(10);
    assert.equal(sink.text, "", "nobody read yet, and flush() gave up");
    sink.open();
    await output.flush(10_000);
    const [dropped] = droppedIn(sink.text);
    assert.equal(sink.text.split(line).length - 1 + dropped!, 40 * 1024);
    assert.ok(dropped! > 20 * 1024);
  }),
);

Deno.test("LogOutput counts the lines that a reader who went away did not get, and tells the next one", async () => {
  const sink = new SlowSink();
  const output = new LogOutput(sink);
  sink.fails = true;
  output.write("one\ntwo\n");
  output.write("three\n");
  sink.open();
  await output.flush(1000);
  output.write("four\n");
  await output.flush(1000);
  sink.fails = false;
  output.write("five\n");
  await output.flush(1000);
  assert.ok(sink.text.startsWith("five\n"));
  assert.deepEqual(droppedIn(sink.text), [4]);
});

Deno.test("LogOutput.flush() resolves at once when nothing waits", async () => {
  await new LogOutput(new SlowSink()).flush(1000);
});
