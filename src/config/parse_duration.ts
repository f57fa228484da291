/** Durations as people write them: `1h30m`, `500ms`, `7d`. */

const MILLISECONDS = new Map([["d", 86_400_000n], ["h", 3_600_000n], ["m", 60_000n], ["s", 1000n], [
  "ms",
  1n,
]]);

/** Milliseconds, undefined when the text is no duration. Units go from large to small, each once: `30m1h` is a slip. */
export function parseDuration(text: string): bigint | undefined {
  if (!/^([0-9]{1,15}(d|h|ms|m|s))+$/.test(text)) return undefined;
  let total = 0n;
  let before: bigint | undefined;
  for (const [, count, unit] of text.matchAll(/([0-9]+)(d|h|ms|m|s)/g)) {
    const factor = MILLISECONDS.get(unit!)!;
    if (before !== undefined && factor >= before) return undefined;
    before = factor;
    total += BigInt(count!) * factor;
  }
  return total;
}
