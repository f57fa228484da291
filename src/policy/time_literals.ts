/** Literals of times: `timestamp('2030-01-01T00:00:00Z')` and `duration('36h')`. */
import type { CelNode } from "./cel_tree.ts";
import { RuleFault } from "./rule_fault.ts";

/** RFC 3339. The engine would take anything that a browser takes for a date. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^[+-]?(\d{1,9}(\.\d{1,9})?(h|ms|m|s))+$/;

/** @throws {RuleFault} for anything but a literal in the form of RFC 3339 */
export function checkTimestamp(node: CelNode): void {
  const text = node.op === "value" ? node.args : undefined;
  if (typeof text === "string" && TIMESTAMP.test(text) && !Number.isNaN(Date.parse(text))) return;
  const message = "timestamp() takes a time in the form of RFC 3339, in quotes";
  throw new RuleFault(message, node.start, "write e.g. timestamp('2030-01-31T00:00:00Z')");
}

/** @throws {RuleFault} for anything but a literal such as `1h30m` */
export function checkDuration(node: CelNode): void {
  const text = node.op === "value" ? node.args : undefined;
  if (typeof text === "string" && DURATION.test(text)) return;
  throw new RuleFault(
    "duration() takes hours, minutes and seconds, in quotes",
    node.start,
    "write e.g. duration('36h')",
  );
}
