/** The bar tells on a terminal how far work is, and nothing anywhere else. */
import assert from "node:assert/strict";
import { ProgressBar } from "../../../src/cli/commands/progress_bar.ts";

function makeBar(isTerminal: boolean) {
  const clock = { now: 0 };
  const lines: string[] = [];
  const bar = new ProgressBar({ isTerminal, write: (text) => void lines.push(text) }, () => clock.now);
  return { clock, lines, bar };
}

Deno.test("a bar shows share, amount, speed and the time that is left, on one line", () => {
  const { clock, lines, bar } = makeBar(true);
  const MIB = 1024 * 1024;
  bar.show({ what: "blobs", done: 0, total: 400 * MIB, unit: "bytes" });
  clock.now = 1000;
  bar.show({ what: "blobs", done: 100 * MIB, total: 400 * MIB, unit: "bytes" });
  assert.deepEqual(lines, [
    "\r\x1b[Kblobs [..............................] 0 % 0 bytes of 400 MiB",
    "\r\x1b[Kblobs [########......................] 25 % 100 MiB of 400 MiB, 100 MiB/s, 00:00:03 left",
  ]);
  bar[Symbol.dispose]();
  bar[Symbol.dispose]();
  assert.equal(lines.at(-1), "\r\x1b[K");
  assert.equal(lines.length, 3);
});

Deno.test("the speed is that of the last seconds of the same work", () => {
  const { clock, lines, bar } = makeBar(true);
  for (let second = 0; second <= 20; second++) {
    clock.now = second * 1000;
    bar.show({
      what: "blobs",
      done: second < 10 ? second * 1000 : 9000 + second,
      total: 10_000,
      unit: "items",
    });
  }
  assert.match(lines.at(-1)!, /9020 of 10000, 1\/s, 00:16:20 left$/);
  bar.show({ what: "manifests", done: 3, unit: "items" });
  assert.equal(lines.at(-1), "\r\x1b[Kmanifests 3");
  bar.show({ what: "nothing", done: 0, total: 0, unit: "items" });
  assert.match(lines.at(-1)!, /100 % 0 of 0$/);
});

Deno.test("nothing is shown where there is no terminal", () => {
  const { lines, bar } = makeBar(false);
  bar.show({ what: "blobs", done: 1, total: 2, unit: "items" });
  bar[Symbol.dispose]();
  assert.deepEqual(lines, []);
});
