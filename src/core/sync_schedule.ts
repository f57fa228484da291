/** When work is due that comes again and again: some time after it was done, or at a time of the day. */

export type SyncSchedule =
  /** ms between two runs. */
  | { readonly kind: "every"; readonly ms: number }
  /** Minutes since midnight, in local time. */
  | { readonly kind: "daily"; readonly minute: number }
  /** Only when somebody asks. */
  | { readonly kind: "never" };

/** Minutes since midnight of `HH:MM`; undefined for anything else. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

/**
 * True when a run should begin at `now`. Both times are ms since 1970.
 *
 * @param last when the last run ended; undefined where there was none
 */
export function isDue(schedule: SyncSchedule, last: number | undefined, now: number): boolean {
  switch (schedule.kind) {
    case "never":
      return false;
    case "every":
      // A last run in the future is of another clock.
      return last === undefined || last > now || now - last >= schedule.ms;
    case "daily":
      return last === undefined || last > now || last < lastTimeOf(schedule.minute, now);
  }
}

/** When it was last this time of the day. */
function lastTimeOf(minute: number, now: number): number {
  const time = new Date(now);
  time.setHours(Math.floor(minute / 60), minute % 60, 0, 0);
  if (time.getTime() > now) time.setDate(time.getDate() - 1);
  return time.getTime();
}
