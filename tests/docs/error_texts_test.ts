/** Whoever looks for the words of an error finds them in the documents, with what to do. */
import assert from "node:assert/strict";
import { ERROR_CODES } from "../../src/core/oci_error.ts";
import { type ErrorText, readErrorTexts, readStatuses } from "./error_texts.ts";
import { codesIn, readPage, readPages } from "./markdown.ts";

interface Entry {
  readonly text: string;
  readonly place: string;
  readonly pattern: RegExp;
}

/** An entry is a part of the text that says enough to be found by; `...` stands for anything. */
function entriesOf(path: string): Entry[] {
  return readPage(path).rows.flatMap(({ cells, line }) =>
    codesIn(cells[0] ?? "").map((text) => {
      const parts = text.split("...").map((part) => part.trim().replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
      return { text, place: `${path}:${line}`, pattern: new RegExp(parts.join(".*")) };
    })
  );
}

/** Texts that one entry may be about; with more it would also be about the next one that somebody writes. */
const MOST_TEXTS = 12;

/** What clients read in the place of a reason that is for the log. */
const generalTexts = Object.values(ERROR_CODES).filter(({ status }) => status >= 500)
  .map(({ text }): ErrorText => ({ text, file: "src/core/oci_error.ts" }));

const texts = [...readErrorTexts(), ...generalTexts];
const ownEntries = entriesOf("docs/troubleshooting.md").filter(({ text }) => text.includes(" "));

Deno.test("every error text that a person can meet has an entry in a table of the documents", () => {
  const entries = readPages().flatMap(({ path }) => entriesOf(path)).filter(({ text }) => text.includes(" "));
  const missing = texts.filter(({ text }) => !entries.some(({ pattern }) => pattern.test(text)));
  assert.deepEqual(missing, [] satisfies ErrorText[], "add them to docs/troubleshooting.md, with what to do");
  assert.ok(texts.length > 200, `only ${texts.length} texts were found`);
});

Deno.test("no entry of troubleshooting.md is about a text that is told nowhere, or that any other could be", () => {
  const lines = ownEntries.filter(({ text }) => !text.startsWith("auth.webhook") && !isLineOfDoctor(text));
  assert.ok(lines.length > 100);
  assert.deepEqual(lines.filter(({ pattern }) => !texts.some(({ text }) => pattern.test(text))), []);
  const vague = lines.filter(({ pattern }) =>
    texts.filter(({ text }) => pattern.test(text)).length > MOST_TEXTS
  );
  assert.deepEqual(vague, []);
});

Deno.test("troubleshooting.md has every error code, with the statuses that answers have", () => {
  const rows = readPage("docs/troubleshooting.md").rows;
  const wrong = Object.entries(ERROR_CODES).filter(([code, { status }]) => {
    const row = rows.find(({ cells }) => cells[0] === `\`${code}\``);
    const statuses = [status, ...readStatuses().get(code) ?? []].map(String);
    return row === undefined || !statuses.every((each) => row.cells[1]!.includes(each));
  });
  assert.deepEqual(wrong.map(([code]) => [code, ...readStatuses().get(code) ?? []]), []);
});

function isLineOfDoctor(text: string): boolean {
  return readPage("docs/troubleshooting.md").rows.some(({ cells, headings }) =>
    headings.includes("Ask the doctor") && codesIn(cells[0] ?? "").includes(text)
  );
}
