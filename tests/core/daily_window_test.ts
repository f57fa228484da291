/** Stretches of the day: how they are written, and what lies in them. */
import assert from "node:assert/strict";
import { isInWindow, parseDailyWindow } from "../../src/core/daily_window.ts";

Deno.test("parseDailyWindow() reads hours and minutes, and nothing else", () => {
  assert.deepEqual(parseDailyWindow("01:00-05:30"), { begin: 60, end: 330 });
  assert.deepEqual(parseDailyWindow("22:00-02:00"), { begin: 22 * 60, end: 2 * 60 });
  assert.deepEqual(parseDailyWindow("20:00-24:00"), { begin: 20 * 60, end: 24 * 60 });
  for (
    const text of [
      "",
      "1:00-5:00",
      "01:00",
      "01:00-01:00",
      "25:00-02:00",
      "01:60-02:00",
      "01:00-24:01",
      "01:00-05:00 ",
    ]
  ) {
    assert.equal(parseDailyWindow(text), undefined, text);
  }
});

Deno.test("isInWindow() takes the begin in and the end not, also over midnight", () => {
  const minutes = (text: string) =>
    Array.from({ length: 24 * 60 }, (_, minute) => minute).filter((minute) =>
      isInWindow(parseDailyWindow(text)!, minute)
    );
  assert.deepEqual(minutes("01:00-01:02"), [60, 61]);
  assert.deepEqual(minutes("23:58-00:01"), [0, 23 * 60 + 58, 23 * 60 + 59]);
  assert.deepEqual(minutes("00:00-24:00").length, 24 * 60);
});
