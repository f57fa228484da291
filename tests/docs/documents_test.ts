/** The documents can be trusted where nothing is run: configurations load, rules are judged as they say, links lead somewhere. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { loadConfig } from "../../src/config/load_config.ts";
import { checkAccessRule } from "../../src/policy/compile_rule.ts";
import { anchorOf, codesIn, projectPath, readPage, readPages } from "./markdown.ts";
import { readSampleFile, readSampleVariable } from "./sample_files.ts";
import { sourcesOf } from "./toml_sources.ts";

const PAGES = readPages();

for (const page of PAGES) {
  const blocks = page.blocks.filter(({ language }) => language === "toml");
  if (blocks.length === 0) continue;
  Deno.test(`every configuration in ${page.path} loads`, () => {
    for (const block of blocks) {
      try {
        loadConfig(sourcesOf(page, block), readSampleVariable, readSampleFile);
      } catch (error) {
        throw new Error(`${page.path}:${block.line}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
}

/** What checking a rule says, without its place; undefined for a rule that can be used. */
function faultOf(text: string): string | undefined {
  const problem = checkAccessRule({ text, file: "", line: 1, column: 1 });
  if (problem === undefined) return undefined;
  const where = problem.position === 0 ? "" : ` at position ${problem.position}`;
  return `${problem.message}${where}${problem.hint === undefined ? "" : `: ${problem.hint}`}`;
}

Deno.test("every rule that a document shows can be used, or is refused with the words that it shows", () => {
  let count = 0;
  for (const { path, blocks } of PAGES) {
    for (const { language, words, text, line } of blocks) {
      if (language !== "cel") continue;
      const lines = text.split("\n").filter((each) => each !== "");
      const isRule = (each: string) => !each.startsWith("// ");
      for (const [index, rule] of lines.entries()) {
        if (!isRule(rule)) continue;
        count++;
        const expected = words.includes("refused") ? lines[index + 1]!.replace(/^\/\/ /, "") : undefined;
        assert.equal(faultOf(rule), expected, `${path}:${line}: ${rule}`);
      }
    }
  }
  assert.ok(count > 20);
});

Deno.test("every link inside the documents leads to a file, and to a heading of it", async () => {
  const pages = [...PAGES, readPage("CONTRIBUTING.md")];
  for (const { path, links } of pages) {
    for (const { target, line } of links) {
      if (/^https?:/.test(target)) continue;
      const [file, anchor] = target.split("#", 2) as [string, string | undefined];
      const found = file === "" ? path : join(dirname(path), file);
      await Deno.stat(projectPath(found)).catch(() => assert.fail(`${path}:${line}: there is no ${found}`));
      if (anchor === undefined) continue;
      const anchors = readPage(found).headings.map(anchorOf);
      assert.ok(anchors.includes(anchor), `${path}:${line}: ${found} has no heading #${anchor}`);
    }
  }
});

Deno.test("README.md links to every document", () => {
  const targets = readPage("README.md").links.map(({ target }) => target);
  for (const { path } of PAGES.slice(1)) assert.ok(targets.includes(path), path);
});

Deno.test("configure-mtls.md explains refusals in the words of the program", async () => {
  const files = [...Deno.readDirSync(projectPath("src/auth"))].map(({ name }) => `src/auth/${name}`);
  files.push("src/registry/authorize.ts");
  const sources = await Promise.all(files.map((file) => Deno.readTextFile(projectPath(file))));
  const program = sources.join("\n");
  const rows = readPage("docs/configure-mtls.md").rows.filter(({ headings }) =>
    headings.includes("What a refusal means")
  );
  assert.ok(rows.length > 20);
  for (const { cells: [text = ""], line } of rows) {
    for (const code of codesIn(text)) {
      for (const part of code.replace(/:$/, "").split(/ ?\.\.\. ?/)) {
        assert.ok(program.includes(part), `docs/configure-mtls.md:${line}: no refusal says "${part}"`);
      }
    }
  }
});

Deno.test("every row of a table stands below the head of its table, with nothing between", () => {
  const lone: string[] = [];
  for (const { path, prose } of PAGES) {
    for (const [table] of prose.matchAll(/^(?: *\|.*\n)+/gm)) {
      const [head = "", line = ""] = table.split("\n");
      if (!/^ *\|[-:| ]+\|$/.test(line)) lone.push(`${path}: ${head}`);
    }
  }
  assert.deepEqual(lone, []);
});
