/** When a run is due. */
import assert from "node:assert/strict";
import { isDue, parseTimeOfDay } from "../../src/core/sync_schedule.ts";

const HOUR = 3_600_000;
const at = (hour: number, minute = 0, day = 10) => new Date(2026, 4, day, hour, minute).getTime();

Deno.test("a run every so often is due when there was none, and when the last one is that long ago", () => {
  const schedule = { kind: "every", ms: 6 * HOUR } as const;
  assert.equal(isDue(schedule, undefined, at(12)), true);
  assert.equal(isDue(schedule, at(7), at(12)), false);
  assert.equal(isDue(schedule, at(6), at(12)), true);
  assert.equal(isDue(schedule, at(13), at(12)), true, "a clock that was wrong does not put it off");
});

Deno.test("a daily run is due once after its time of the day, also when the server did not run then", () => {
  const schedule = { kind: "daily", minute: parseTimeOfDay("03:30")! } as const;
  assert.equal(isDue(schedule, at(4, 0, 9), at(3, 29)), false);
  assert.equal(isDue(schedule, at(4, 0, 9), at(3, 30)), true);
  assert.equal(isDue(schedule, at(3, 31), at(23)), false);
  assert.equal(isDue(schedule, at(3, 31, 8), at(1)), true, "that of yesterday was missed");
});

Deno.test("what is never due waits for somebody to ask", () => {
  assert.equal(isDue({ kind: "never" }, undefined, at(12)), false);
});

Deno.test("parseTimeOfDay() takes HH:MM", () => {
  assert.equal(parseTimeOfDay("00:00"), 0);
  assert.equal(parseTimeOfDay("23:59"), 1439);
  for (const text of ["24:00", "1:00", "12:60", "12", "noon", ""]) {
    assert.equal(parseTimeOfDay(text), undefined);
  }
});
