/** Reads the files that keys name; one that cannot be read is a problem of its key. */
import { fileReasonOf } from "../core/file_reason.ts";
import { type Checking, noteProblem } from "./checking.ts";
import type { Place } from "./document.ts";
import type { KeyPath } from "./key_path.ts";

/** Bytes of the file, undefined when a problem was noted. */
export function readBytes(
  file: string,
  path: KeyPath,
  checking: Checking,
  at?: Place,
): Uint8Array | undefined {
  try {
    return checking.readFile(file);
  } catch (fault) {
    const reason = fileReasonOf(fault).replace(/: readfile '.*'$/, "");
    noteProblem(checking, path, `cannot read ${file}: ${reason}`, at);
    return undefined;
  }
}

/** Text of the file as UTF-8, undefined when a problem was noted. */
export function readText(file: string, path: KeyPath, checking: Checking): string | undefined {
  const bytes = readBytes(file, path, checking);
  return bytes && new TextDecoder().decode(bytes);
}
