/** What the checks share that follow the reading by the schema: the files, and where problems go. */
import { type Problem, problemAt } from "./config_error.ts";
import { findEntry, type Place, type TableNode } from "./document.ts";
import type { KeyPath } from "./key_path.ts";

export interface Checking {
  readonly document: TableNode;
  /** The bytes of a file; what it throws becomes a problem. */
  readonly readFile: (path: string) => Uint8Array;
  readonly now: Date;
  /** False when a file could not be parsed: what seems to be missing may stand in that file. */
  readonly complete: boolean;
  readonly problems: Problem[];
  readonly warnings: string[];
}

/** True when a file holds the key, whatever its value. */
export function isSet({ document }: Checking, path: KeyPath): boolean {
  return findEntry(document, path) !== undefined;
}

/** Notes a problem with a key, at `at` or where the key's value stands. */
export function noteProblem(checking: Checking, path: KeyPath, message: string, at?: Place): void {
  checking.problems.push(problemAt(at ?? placeOf(checking.document, path), path, message));
}

/** Notes that something is not there, unless it may stand in a file that could not be parsed. */
export function noteMissing(checking: Checking, path: KeyPath, message: string): void {
  if (checking.complete) noteProblem(checking, path, message);
}

/** Of the value, or of the nearest table around where it would be. */
function placeOf(document: TableNode, path: KeyPath): Place {
  const entry = findEntry(document, path);
  if (entry !== undefined) return entry.node.at;
  return path.length === 0 ? document.at : placeOf(document, path.slice(0, -1));
}
