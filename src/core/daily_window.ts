/** A stretch of every day in which work may be done, such as the hours of the night. */

/** Minutes since midnight; the end is not part of it, and lies on the next day where it is not after the begin. */
export interface DailyWindow {
  readonly begin: number;
  readonly end: number;
}

/** Reads `HH:MM-HH:MM`; undefined for anything else, and for a window without length. */
export function parseDailyWindow(text: string): DailyWindow | undefined {
  const match = /^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$/.exec(text);
  if (match === null) return undefined;
  const [beginHour, beginMinute, endHour, endMinute] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const [begin, end] = [beginHour * 60 + beginMinute, endHour * 60 + endMinute];
  return begin === end || end > 24 * 60 ? undefined : { begin, end };
}

/** @param minute minutes since midnight */
export function isInWindow({ begin, end }: DailyWindow, minute: number): boolean {
  return begin < end ? minute >= begin && minute < end : minute >= begin || minute < end;
}
