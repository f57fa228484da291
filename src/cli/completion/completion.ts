/** The `completion` command: scripts that make shells complete the words of this program, from the table of commands. */
import { completeInBash } from "./completion_bash.ts";
import { completeInFish } from "./completion_fish.ts";
import { completeInZsh } from "./completion_zsh.ts";
import { findCommand } from "../command_table.ts";
import { UsageError } from "../usage.ts";

const WRITERS: ReadonlyMap<string, () => string> = new Map([
  ["bash", completeInBash],
  ["zsh", completeInZsh],
  ["fish", completeInFish],
]);

/** @throws {UsageError} for a shell that is not known */
export function writeCompletion([shell, ...more]: readonly string[]): string {
  const write = shell === undefined || more.length > 0 ? undefined : WRITERS.get(shell);
  if (write !== undefined) return write();
  const shells = findCommand(["completion"])!.arguments![0]!.choices!;
  throw new UsageError(`write: completion ${shells.join("|")}`);
}
