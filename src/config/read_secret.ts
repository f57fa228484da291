/** A secret stands in the configuration itself or in a file of its own: `password` or `password_file`. */
import { type Checking, isSet, noteMissing, noteProblem } from "./checking.ts";
import type { KeyPath } from "./key_path.ts";
import { readText } from "./read_file.ts";

export interface Secret {
  readonly text: string;
  /** The key that gave it: further problems with it belong there. */
  readonly path: KeyPath;
}

/** What the two keys hold; undefined where there was a problem with them or they are left out. */
export interface SecretValues {
  readonly text: string | undefined;
  readonly file: string | undefined;
}

/** The secret of `table.name` or of the file `table.name_file`, undefined when a problem was noted. */
export function readSecret(
  values: SecretValues,
  table: KeyPath,
  name: string,
  checking: Checking,
): Secret | undefined {
  const path = [...table, name];
  const filePath = [...table, `${name}_file`];
  if (isSet(checking, path) && isSet(checking, filePath)) {
    noteProblem(checking, filePath, `stands beside ${name}: write one of the two`);
    return undefined;
  }
  if (!isSet(checking, path) && !isSet(checking, filePath)) {
    noteMissing(checking, path, `is missing, expected ${name} or ${name}_file`);
    return undefined;
  }
  if (values.text !== undefined) return { text: values.text, path };
  const content = values.file === undefined ? undefined : readText(values.file, filePath, checking);
  if (content === undefined) return undefined;
  const text = content.trim();
  if (text !== "") return { text, path: filePath };
  noteProblem(checking, filePath, `${values.file} is empty`);
  return undefined;
}
