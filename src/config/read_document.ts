/** Reads TOML text into a document, with the place of every key and value. */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { type Problem, problemAt } from "./config_error.ts";
import { type ArrayNode, emptyTable, type Entry, type Node, type Place, type TableNode } from "./document.ts";

/** No key of the registry lies deeper than a handful; a bound keeps hostile text from exhausting the stack. */
const DEEPEST = 64;

class TooDeepError extends Error {
  constructor(readonly at: Place) {
    super("nested too deeply");
  }
}

/** Parses one file (TOML 1.1). Text that is no TOML adds a problem and reads as an empty document. */
export function readDocument(file: string, text: string, problems: Problem[]): TableNode {
  const start: Place = { file, line: 1, column: 1 };
  try {
    // TOML 1.0 "Spec": a byte order mark at the start is to be ignored; the parser does not.
    return new DocumentReader(file, text.replace(/^\ufeff/, "")).read();
  } catch (fault) {
    problems.push(syntaxProblem(fault, file));
    return emptyTable(start);
  }
}

function syntaxProblem(fault: unknown, file: string): Problem {
  const tooDeep = `tables and arrays are nested too deeply, at most ${DEEPEST} levels are read`;
  if (fault instanceof TooDeepError) return problemAt(fault.at, [], tooDeep);
  if (fault instanceof ParseError) {
    const place = { file, line: fault.lineNumber, column: fault.column + 1 };
    const reason = fault.message.charAt(0).toLowerCase() + fault.message.slice(1);
    return problemAt(place, [], `not valid TOML at column ${place.column}: ${reason}`);
  }
  // The parser is recursive: only nesting exhausts its stack.
  if (fault instanceof RangeError) return problemAt({ file, line: 0, column: 0 }, [], tooDeep);
  throw fault;
}

class DocumentReader {
  constructor(private readonly file: string, private readonly text: string) {}

  read(): TableNode {
    const program = parseTOML(this.text, { tomlVersion: "1.1" });
    const root = emptyTable(this.placeOf(program));
    for (const part of program.body[0].body) {
      if (part.type === "TOMLKeyValue") this.readKeyValue(part, root, 0);
      else this.readTable(part, root);
    }
    return root;
  }

  private readTable(part: AST.TOMLTable, root: TableNode): void {
    const keys = part.key.keys;
    const parent = this.descend(root, keys.slice(0, -1), 0);
    const last = keys[keys.length - 1]!;
    const table = part.kind === "array"
      ? this.appendTable(parent, last)
      : this.descend(parent, [last], keys.length - 1);
    for (const pair of part.body) this.readKeyValue(pair, table, keys.length);
  }

  private readKeyValue(pair: AST.TOMLKeyValue, table: TableNode, depth: number): void {
    const keys = pair.key.keys;
    const last = keys[keys.length - 1]!;
    const parent = this.descend(table, keys.slice(0, -1), depth);
    const node = this.readValue(pair.value, depth + keys.length);
    parent.entries.set(nameOf(last), { at: this.placeOf(last), node });
  }

  /** Goes down the keys, making the tables that are not there yet. That no key is defined twice, the parser has checked. */
  private descend(
    table: TableNode,
    keys: readonly (AST.TOMLBare | AST.TOMLQuoted)[],
    depth: number,
  ): TableNode {
    for (const key of keys) {
      const at = this.placeOf(key);
      if (++depth > DEEPEST) throw new TooDeepError(at);
      const next = lastTable(table.entries.get(nameOf(key))) ?? emptyTable(at);
      if (!table.entries.has(nameOf(key))) table.entries.set(nameOf(key), { at, node: next });
      table = next;
    }
    return table;
  }

  private appendTable(parent: TableNode, key: AST.TOMLBare | AST.TOMLQuoted): TableNode {
    const at = this.placeOf(key);
    const entry = parent.entries.get(nameOf(key));
    const table = emptyTable(at);
    if (entry?.node.kind === "array") entry.node.elements.push(table);
    else parent.entries.set(nameOf(key), { at, node: { kind: "array", elements: [table], at } });
    return table;
  }

  private readValue(value: AST.TOMLContentNode, depth: number): Node {
    const at = this.placeOf(value);
    if (depth > DEEPEST) throw new TooDeepError(at);
    switch (value.type) {
      case "TOMLInlineTable": {
        const table = emptyTable(at);
        for (const pair of value.body) this.readKeyValue(pair, table, depth);
        return table;
      }
      case "TOMLArray": {
        const array: ArrayNode = { kind: "array", elements: [], at };
        for (const element of value.elements) array.elements.push(this.readValue(element, depth + 1));
        return array;
      }
      case "TOMLValue":
        return this.readScalar(value, at);
    }
  }

  private readScalar(value: AST.TOMLValue, at: Place): Node {
    switch (value.kind) {
      case "string":
        return {
          kind: "string",
          value: value.value,
          raw: value.value,
          expanded: false,
          token: this.text.slice(...value.range),
          at,
        };
      case "integer":
        return { kind: "integer", value: value.bigint, at };
      case "float":
        return { kind: "float", value: value.value, at };
      case "boolean":
        return { kind: "boolean", value: value.value, at };
      default:
        return { kind: "date", at };
    }
  }

  private placeOf(node: AST.TOMLNode): Place {
    return { file: this.file, line: node.loc.start.line, column: node.loc.start.column + 1 };
  }
}

/** `[a.b]` after `[[a]]` goes into the latest element of `a`. */
function lastTable(entry: Entry | undefined): TableNode | undefined {
  const node = entry?.node.kind === "array" ? entry.node.elements.at(-1) : entry?.node;
  return node?.kind === "table" ? node : undefined;
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}
