/** AgeWatch: what is old is old by the time that has passed, and not by what a clock says that somebody sets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AgeWatch } from "../../src/jobs/age_watch.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A machine whose clock can be set. */
class Machine {
  elapsed = 0;
  /** What the clock shows beyond the time that has passed. */
  ahead = 1_700_000_000_000;

  readonly watch: AgeWatch;

  constructor(longestMs = 12 * HOUR) {
    this.watch = new AgeWatch({ now: () => this.time }, () => this.elapsed, longestMs);
  }

  get time(): number {
    return this.elapsed + this.ahead;
  }

  /** Lets time pass, with a look every `step` ms. */
  run(ms: number, step = HOUR / 12): void {
    for (const end = this.elapsed + ms; this.elapsed < end;) {
      this.elapsed = Math.min(end, this.elapsed + step);
      this.watch.look();
    }
  }
}

Deno.test("nothing is old until the watch has gone on for as long", () => {
  const machine = new Machine();
  machine.run(11 * HOUR);
  assert.equal(machine.watch.cutoff(12 * HOUR), undefined);
  assert.equal(machine.watch.msUntil(12 * HOUR), HOUR);
  assert.notEqual(machine.watch.cutoff(HOUR), undefined);
  machine.run(HOUR);
  assert.notEqual(machine.watch.cutoff(12 * HOUR), undefined);
  assert.equal(machine.watch.msUntil(12 * HOUR), 0);
});

Deno.test("with a clock that nobody sets, what is an hour old is told within a few minutes", () => {
  const machine = new Machine();
  machine.run(30 * HOUR);
  for (const age of [HOUR, 6 * HOUR, 12 * HOUR]) {
    const cutoff = machine.watch.cutoff(age)!;
    assert.ok(cutoff <= machine.time - age && cutoff > machine.time - age - HOUR / 2, String(age));
  }
});

Deno.test("a clock that is set ahead by a day makes nothing old that was written before or after", () => {
  const machine = new Machine();
  machine.run(24 * HOUR);
  const before = machine.time;
  machine.ahead += DAY;
  machine.run(HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! < before - 10 * HOUR);
  machine.run(10 * HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! <= before);
  machine.run(2 * HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! > before, "what was written before is old at last");
});

Deno.test("a clock that is set back by a day makes nothing old that was written after", () => {
  const machine = new Machine();
  machine.run(24 * HOUR);
  machine.ahead -= DAY;
  const after = machine.time;
  machine.run(11 * HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! <= after);
});

Deno.test("a clock that is set ahead and back again between two looks makes nothing old", () => {
  const machine = new Machine();
  machine.run(24 * HOUR);
  const written: number[] = [];
  for (const jump of [DAY, -DAY, -3 * DAY, 3 * DAY]) {
    machine.elapsed += 1000;
    machine.ahead += jump;
    machine.watch.look();
    written.push(machine.time);
  }
  machine.run(11 * HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! <= Math.min(...written));
});

Deno.test("whatever happens to the clock, what was written within the age is never called old", () => {
  const event = fc.record({
    pause: fc.nat(HOUR),
    jump: fc.constantFrom(0, 0, 0, 1, -1, DAY, -DAY, 40 * DAY),
  });
  fc.assert(fc.property(fc.array(event, { maxLength: 60 }), (events) => {
    const machine = new Machine(2 * HOUR);
    const written: { elapsed: number; time: number }[] = [];
    for (const { pause, jump } of events) {
      machine.elapsed += pause;
      machine.ahead += jump;
      written.push({ elapsed: machine.elapsed, time: machine.time });
      const cutoff = machine.watch.cutoff(2 * HOUR);
      if (cutoff === undefined) continue;
      for (const { elapsed, time } of written) {
        assert.ok(elapsed < machine.elapsed - 2 * HOUR || time >= cutoff);
      }
    }
  }));
});

Deno.test("a watch over a year remembers a bounded number of stretches", () => {
  const machine = new Machine(DAY);
  const start = performance.now();
  machine.run(365 * DAY, HOUR / 6);
  machine.watch.cutoff(DAY);
  assert.ok(performance.now() - start < 5000);
});
