/** What the doctor says of one thing: that it is well, odd or wrong, and what to do. */
import { escapeControls } from "../../core/escape_controls.ts";

export type Level = "ok" | "warning" | "problem";

/** One line of the doctor. */
export interface Finding {
  /** What was looked at, such as "port". */
  readonly check: string;
  readonly level: Level;
  readonly message: string;
  /** What to do; absent where nothing has to be done, or the message says it. */
  readonly advice?: string;
}

export function well(check: string, message: string): Finding {
  return { check, level: "ok", message };
}

export function odd(check: string, message: string, advice?: string): Finding {
  return { check, level: "warning", message, ...(advice !== undefined && { advice }) };
}

export function wrong(check: string, message: string, advice?: string): Finding {
  return { check, level: "problem", message, ...(advice !== undefined && { advice }) };
}

/** `problem  port: another program listens there. Stop it`, on one line whatever a file's name holds. */
export function describeFinding(
  { check, level, message, advice }: Finding,
  paint: (text: string, level: Level) => string = plain,
): string {
  const text = advice === undefined ? message : `${message}. ${advice}`;
  return `${paint(level.padEnd(7), level)}  ${escapeControls(`${check}: ${text}`)}`;
}

function plain(text: string): string {
  return text;
}
