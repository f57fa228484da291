/** The kinds of values that keys take: how each is read, and the words that say what was expected. */
import { isIP } from "node:net";
import { parseTimeOfDay, type SyncSchedule } from "../core/sync_schedule.ts";
import type { Node } from "./document.ts";
import { parseDuration } from "./parse_duration.ts";
import { parseSize } from "./parse_size.ts";

export interface ValueType<T> {
  /** Finishes the sentence "expected ...". */
  readonly expected: string;
  /** The value, undefined when the node holds none of this type. */
  readonly parse: (node: Node) => T | undefined;
  /** True where a message must not show what was written. */
  readonly secret?: boolean;
}

/** Path of a file or folder, relative to the working directory. */
export const PATH: ValueType<string> = {
  expected: "a path",
  // NUL would end the path early in the system call.
  parse: (node) => {
    return node.kind === "string" && node.value !== "" && !node.value.includes("\0") ? node.value : undefined;
  },
};

/** An IP literal, version 4 or 6. */
export const ADDRESS: ValueType<string> = {
  expected: `an IP address such as "127.0.0.1" or "::" (host names are not accepted)`,
  parse: (node) => node.kind === "string" && isIP(node.value) !== 0 ? node.value : undefined,
};

export const BOOLEAN: ValueType<boolean> = {
  expected: "true or false",
  parse: (node) => {
    if (node.kind === "boolean") return node.value;
    if (node.kind !== "string" || !node.expanded) return undefined;
    return node.value === "true" ? true : node.value === "false" ? false : undefined;
  },
};

/** A whole number between two bounds, both included. */
export function integer(least: number, most: number): ValueType<number> {
  return {
    expected: `a whole number from ${least} to ${most}`,
    parse: (node) => within(integerOf(node), least, most),
  };
}

/** A part of a whole. */
export const FRACTION: ValueType<number> = {
  expected: "a number from 0 to 1, such as 0.1",
  parse: (node) => {
    const given = node.kind === "float"
      ? node.value
      : node.kind === "string" && node.expanded && /^[0-9]{1,19}\.[0-9]{1,19}$/.test(node.value)
      ? Number(node.value)
      : Number(integerOf(node) ?? NaN);
    return given >= 0 && given <= 1 ? given : undefined;
  },
};

/** Bytes: `"5GiB"`, `"5GB"`, or a plain number. */
export function size(least: number, suffix = "", most = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const bound = most < Number.MAX_SAFE_INTEGER ? `, at most ${most}` : least > 0 ? `, at least ${least}` : "";
  return {
    expected: `a size such as "5GiB" (1024) or "5GB" (1000), or a number of bytes${suffix}${bound}`,
    parse: (node) => {
      const bytes = integerOf(node) ?? (node.kind === "string" ? parseSize(node.value) : undefined);
      return within(bytes, least, most);
    },
  };
}

/** Milliseconds, from `"1h30m"` or a plain number of seconds. `most` is given as both, so that the message can say it. */
export function duration(most: { readonly ms: number; readonly text: string }, least = 1): ValueType<number> {
  const bound = least > 0 ? "above 0 and " : "";
  return {
    expected: `a duration such as "1h30m" or "500ms", or a number of seconds, ${bound}at most ${most.text}`,
    parse: (node) => {
      const seconds = integerOf(node);
      const ms = seconds !== undefined
        ? seconds * 1000n
        : node.kind === "string"
        ? parseDuration(node.value)
        : undefined;
      return within(ms, least, most.ms);
    },
  };
}

/** As {@linkcode duration} from 0 on; `"never"` is Infinity. */
export function durationOrNever(most: { readonly ms: number; readonly text: string }): ValueType<number> {
  const timed = duration(most, 0);
  return {
    expected: `${timed.expected}, or "never"`,
    parse: (node) => node.kind === "string" && node.value === "never" ? Infinity : timed.parse(node),
  };
}

/** When something is done again and again. */
export const SCHEDULE: ValueType<SyncSchedule> = {
  expected: 'a duration from "1m" to "365d", a time of the day such as "03:30", or "never"',
  parse: (node) => {
    if (node.kind !== "string") return undefined;
    if (node.value === "never") return { kind: "never" };
    const minute = parseTimeOfDay(node.value);
    if (minute !== undefined) return { kind: "daily", minute };
    const ms = within(parseDuration(node.value), 60_000, 365 * 86_400_000);
    return ms === undefined ? undefined : { kind: "every", ms };
  },
};

/** An integer, or a text of digits that came from the environment, where there is nothing but text. */
function integerOf(node: Node): bigint | undefined {
  if (node.kind === "integer") return node.value;
  if (node.kind === "string" && node.expanded && /^[0-9]{1,19}$/.test(node.value)) return BigInt(node.value);
  return undefined;
}

function within(value: bigint | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= BigInt(least) && value <= BigInt(most) ? Number(value) : undefined;
}
