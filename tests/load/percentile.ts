/** What a given part of the figures does not exceed. */

/** @param percent 50 for the median; the figures need no order */
export function percentile(figures: readonly number[], percent: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)]!;
}
