/** AgeWatch: what is old is old by the time that has passed, and not by what a clock says that somebody sets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AgeWatch, type FormerAges } from "../../src/jobs/age_watch.ts";
import { inTries } from "../harness/tries.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A machine whose clock can be set. */
class Machine {
  elapsed = 0;
  /** What the clock shows beyond the time that has passed. */
  ahead = 1_700_000_000_000;

  watch: AgeWatch;

  constructor(former?: FormerAges) {
    this.watch = this.#makeWatch(former);
  }

  #makeWatch(former?: FormerAges): AgeWatch {
    const clock = { now: () => this.time };
    return new AgeWatch({ clock, elapsed: () => this.elapsed, slackMs: 0, ...(former && { former }) });
  }

  /**
   * Another process goes on where a record ends.
   *
   * @param earliest of what was written since
   */
  restart({ record, earliest }: FormerAges): void {
    // The time since the record is not known any more, so that it runs once more.
    this.ahead += this.elapsed - record.elapsed;
    this.elapsed = record.elapsed;
    this.watch = this.#makeWatch({ record, earliest });
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

Deno.test("whatever happens to the clock and however a process ends, what was written within the age is never called old", () => {
  const event = fc.record({
    pause: fc.nat(HOUR),
    jump: fc.constantFrom(0, 0, 0, 1, -1, DAY, -DAY, 40 * DAY),
    then: fc.constantFrom("write", "write", "record", "crash", "look"),
    down: fc.constantFrom(0, HOUR, 40 * DAY),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const machine = new Machine();
      let written: { elapsed: number; time: number }[] = [];
      let saved = machine.watch.record();
      for (const { pause, jump, then, down } of events) {
        machine.elapsed += pause;
        machine.ahead += jump;
        if (then === "record") saved = machine.watch.record();
        if (then === "write") written.push({ elapsed: machine.elapsed, time: machine.time });
        if (then === "crash") {
          const { record, lookedAt } = saved;
          const since = written.filter(({ elapsed }) => elapsed > record.elapsed).map(({ time }) => time);
          machine.ahead += down;
          machine.restart({ record, earliest: Math.min(lookedAt, ...since) });
          // What was written in the time that is forgotten is as young as the restart.
          written = written.map(({ elapsed, time }) => ({
            elapsed: Math.min(elapsed, record.elapsed),
            time,
          }));
          saved = machine.watch.record();
        }
        const cutoff = machine.watch.cutoff(2 * HOUR);
        if (cutoff === undefined) continue;
        for (const { elapsed, time } of written) {
          assert.ok(elapsed < machine.elapsed - 2 * HOUR || time >= cutoff, `${time} is called old`);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a process that goes on where another one ended knows at once what is old, and the time between does not count", () => {
  const machine = new Machine();
  machine.run(20 * HOUR);
  const { record, lookedAt } = machine.watch.record();
  const before = machine.time;
  machine.ahead += 40 * DAY;
  machine.restart({ record, earliest: lookedAt });
  machine.run(HOUR);
  const cutoff = machine.watch.cutoff(12 * HOUR)!;
  assert.equal(cutoff, before - 11 * HOUR);
  machine.run(12 * HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! > before, "it is old now");
});

Deno.test("a process that never lives for as long as the age still tells in the end what is old", () => {
  const machine = new Machine();
  const first = machine.time;
  for (let run = 0; run < 500; run++) {
    machine.run(HOUR / 2);
    const { record, lookedAt } = machine.watch.record();
    machine.ahead += HOUR / 10;
    machine.restart({ record, earliest: lookedAt });
  }
  const cutoff = machine.watch.cutoff(12 * HOUR)!;
  assert.ok(cutoff > first + 200 * HOUR, "of 250 hours the last 12 are young");
  const { record } = machine.watch.record();
  assert.ok(record.stretches.length <= 128 && JSON.stringify(record).length < 20_000);
});

Deno.test("what was written with an earlier time than the clock showed keeps what is as old", () => {
  const machine = new Machine();
  machine.run(20 * HOUR);
  const odd = machine.time - 3 * DAY;
  machine.watch.note(odd);
  machine.run(11 * HOUR);
  assert.ok(machine.watch.cutoff(12 * HOUR)! <= odd);
  machine.run(HOUR + HOUR / 12);
  assert.ok(machine.watch.cutoff(12 * HOUR)! > odd);
});

Deno.test(
  "a watch over a year remembers a bounded number of stretches, whatever is done to the clock",
  inTries(() => {
    const machine = new Machine();
    const start = performance.now();
    for (let day = 0; day < 365; day++) {
      machine.run(DAY, HOUR / 6);
      machine.ahead += (day % 7 - 3) * HOUR;
    }
    machine.watch.cutoff(DAY);
    assert.ok(machine.watch.record().record.stretches.length <= 128);
    assert.ok(performance.now() - start < 5000);
  }),
);
