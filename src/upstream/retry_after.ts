/** Reads `Retry-After` (RFC 9110 section 10.2.3). */

/** ms from `now` (ms since the epoch) on; undefined where the header is absent or cannot be read. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
