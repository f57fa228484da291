/** Byte ranges: what a `Range` header asks of a content of known size (RFC 9110 section 14). */

/** A part of a content, in bytes. */
export interface ByteRange {
  readonly start: number;
  /** First byte that is not part of it. */
  readonly end: number;
}

export type RangeSelection =
  /** The header is to be ignored: not understood, or not worth following. */
  | { readonly kind: "whole" }
  | { readonly kind: "unsatisfiable" }
  /** At least one range, none empty, none overlapping another, in the order asked for. */
  | { readonly kind: "ranges"; readonly ranges: readonly ByteRange[] };

/** The most ranges that one answer carries: what containers/storage asks for at once. */
export const MOST_RANGES = 1024;

const WHOLE: RangeSelection = { kind: "whole" };
const UNSATISFIABLE: RangeSelection = { kind: "unsatisfiable" };

/**
 * Reads a `Range` header. Another unit than bytes, a text outside the grammar, more than {@linkcode MOST_RANGES} ranges
 * and ranges that overlap select the whole; a range that ends before it starts counts as unsatisfiable.
 *
 * @param size bytes in the whole content
 */
export function selectRanges(header: string, size: number): RangeSelection {
  if (header.slice(0, 6).toLowerCase() !== "bytes=") return WHOLE;
  const specs = header.slice(6).split(",", MOST_RANGES + 1);
  if (specs.length > MOST_RANGES) return WHOLE;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const text = spec.trim();
    // A list may have empty elements (RFC 9110 section 5.6.1.2).
    if (text === "") continue;
    const range = readRange(text, size);
    if (range === undefined) return WHOLE;
    if (range === "backwards") return UNSATISFIABLE;
    if (range.start < range.end) ranges.push(range);
  }
  if (ranges.length === 0) return UNSATISFIABLE;
  return ranges.length > 1 && overlap(ranges) ? WHOLE : { kind: "ranges", ranges };
}

/** One range cut to the content's size, empty where it lies behind the end; undefined when it is outside the grammar. */
function readRange(text: string, size: number): ByteRange | "backwards" | undefined {
  const dash = text.indexOf("-");
  if (dash < 0) return undefined;
  const first = readPosition(text.slice(0, dash));
  const last = readPosition(text.slice(dash + 1));
  if (first === undefined || last === undefined) return undefined;
  if (first === "absent") {
    return last === "absent" ? undefined : { start: Math.max(0, size - last), end: size };
  }
  if (last === "absent") return { start: first, end: size };
  if (last < first) return "backwards";
  return { start: first, end: Math.min(size, last + 1) };
}

function readPosition(text: string): number | "absent" | undefined {
  if (text === "") return "absent";
  // Beyond 15 digits a double is not exact any more, and no content is that long.
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

function overlap(ranges: readonly ByteRange[]): boolean {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  return sorted.some((range, i) => i > 0 && range.start < sorted[i - 1]!.end);
}
