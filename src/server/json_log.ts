/** Log lines as JSON, one object a line: whatever a client put into a value cannot start a line of its own. */
import type { Log, LogFields } from "../ports/log.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Causes that are followed in an error's line. */
const MOST_CAUSES = 5;

export class JsonLog implements Log {
  readonly #write: (line: string, urgent: boolean) => void;
  readonly #lowest: number;

  /**
   * @param write takes a line with its line feed; `urgent` ones should not wait for others
   * @param level lines below it are left out
   */
  constructor(write: (line: string, urgent: boolean) => void, level: LogLevel) {
    this.#write = write;
    this.#lowest = LOG_LEVELS.indexOf(level);
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (LOG_LEVELS.indexOf(level) < this.#lowest) return;
    const { error, ...rest } = fields ?? {};
    const line = JSON.stringify({
      time: new Date().toISOString(),
      level,
      message,
      ...rest,
      ...(error !== undefined && { error: describe(error) }),
    });
    this.#write(`${line}\n`, level === "error" || level === "warn");
  }
}

/** The stack of an error and of the causes beneath it. */
function describe(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at !== undefined && parts.length < MOST_CAUSES;) {
    if (!(at instanceof Error)) {
      parts.push(String(at));
      break;
    }
    parts.push(at.stack ?? at.message);
    at = at.cause;
  }
  return parts.join("\ncaused by: ");
}
