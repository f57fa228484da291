/** Colours, for a terminal whose owner wants them. */
import type { Level } from "./doctor/finding.ts";

const CODES: Readonly<Record<Level, number>> = { ok: 32, warning: 33, problem: 31 };

/** Whether text for `output` may be coloured (https://no-color.org). */
export function isPainted(
  output: { isTerminal(): boolean },
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
): boolean {
  return output.isTerminal() && (env("NO_COLOR") ?? "") === "" && env("TERM") !== "dumb";
}

export function paintLevel(text: string, level: Level): string {
  return `\x1b[${CODES[level]}m${text}\x1b[0m`;
}
