/** Keeps a text on one line of a terminal or log: what came from a file or the system may hold any character. */

/** Control characters and line separators as `\u000a`. */
export function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex -- these are the characters to escape
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (c) => {
    return "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  });
}
