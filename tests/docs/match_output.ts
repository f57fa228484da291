/** Compares what a command prints with what a document shows: `...` stands for anything, on a line of its own for any lines. */

/** What is missing, undefined when the output is as documented. */
export function matchOutput(actual: string, documented: string): string | undefined {
  const lines = actual.trimEnd().split("\n");
  let at = 0;
  let anywhere = false;
  for (const expected of documented.trimEnd().split("\n")) {
    if (expected.trim() === "...") {
      anywhere = true;
      continue;
    }
    const pattern = patternOf(expected);
    while (anywhere && at < lines.length && !pattern.test(lines[at]!)) at++;
    if (at >= lines.length || !pattern.test(lines[at]!)) {
      return `line ${at + 1} of the output is ${JSON.stringify(lines[at] ?? "its end")}, expected ${
        JSON.stringify(expected)
      }`;
    }
    at++;
    anywhere = false;
  }
  return anywhere || at === lines.length ? undefined : `the output goes on with ${JSON.stringify(lines[at])}`;
}

function patternOf(line: string): RegExp {
  const parts = line.trimEnd().split("...").map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}\\s*$`);
}
