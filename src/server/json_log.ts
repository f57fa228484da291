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
    const head = `{"time":"${formatTime(Date.now())}","level":"${level}","message":${formatText(message)}`;
    this.#write(`${head}${formatFields(fields ?? {})}}\n`, level === "error" || level === "warn");
  }
}

let second = NaN;
let secondText = "";

/** As `toISOString()` writes it; most lines come in the second of the one before. */
function formatTime(now: number): string {
  const milliseconds = now % 1000;
  if (now - milliseconds !== second) {
    second = now - milliseconds;
    secondText = new Date(second).toISOString().slice(0, -4);
  }
  return `${secondText}${String(milliseconds).padStart(3, "0")}Z`;
}

/** What follows the head of a line. Never throws: a request must not fail because of its log line. */
function formatFields(fields: LogFields): string {
  let text = "";
  try {
    for (const name of Object.keys(fields)) {
      // No field takes the place of a part of the head.
      if (name === "time" || name === "level" || name === "message") continue;
      const value = fields[name];
      const json = name === "error" ? formatError(value) : formatValue(value);
      if (json !== undefined) text += `,${formatText(name)}:${json}`;
    }
    return text;
  } catch {
    return `,"fields":${escapeControls(JSON.stringify(showFields(fields)))}`;
  }
}

/** By hand for what most fields are, since a line is a tenth of what a small request costs; undefined for what JSON leaves out. */
function formatValue(value: unknown): string | undefined {
  if (typeof value === "string") return formatText(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  const json = JSON.stringify(value);
  return json === undefined ? undefined : escapeControls(json);
}

function formatError(error: unknown): string | undefined {
  return error === undefined ? undefined : formatText(describe(error));
}

/** Printable ASCII without `"` and `\` stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

function formatText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escapeControls(JSON.stringify(text));
}

/** JSON leaves these as they are, and to a terminal or a viewer they can mean a new line, a colour, or reversed text. */
function escapeControls(json: string): string {
  return json.replace(/[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]/g, (c) => {
    return "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  });
}

/** Fields that JSON has no form for, as texts. */
function showFields(fields: LogFields): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const name of Object.keys(fields)) {
    try {
      const value = fields[name];
      shown[name] = value instanceof Error ? describe(value) : String(value);
    } catch {
      shown[name] = "cannot be shown";
    }
  }
  return shown;
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
