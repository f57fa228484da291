/** What is wrong with a configuration: every problem at once, each with the file and line it comes from. */
import { escapeControls } from "../core/escape_controls.ts";
import type { Place } from "./document.ts";
import { formatKeyPath, type KeyPath } from "./key_path.ts";

export interface Problem {
  readonly file: string;
  /** From 1; 0 when the problem belongs to no line. */
  readonly line: number;
  /** From 1; 0 when the problem belongs to no line. */
  readonly column: number;
  /** Dotted, as TOML writes it; "" when the text is not TOML. */
  readonly key: string;
  readonly message: string;
}

/** Thrown by the loader and by nothing else; the message holds one problem a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** A problem with the key at `path`, shown at `place`. */
export function problemAt(place: Place, path: KeyPath, message: string): Problem {
  const { file, line, column } = place;
  return { file, line, column, key: formatKeyPath(path), message: escapeControls(message) };
}

/** `config.toml:12: server.prot: unknown key`. */
export function formatProblem(problem: Problem): string {
  const where = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}`;
  return [where, problem.key, problem.message].filter((part) => part !== "").join(": ");
}
