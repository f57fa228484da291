/** Turns the original's configuration into ours: what reads alike stays as it is, every change has a comment above it. */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import {
  convertCollector,
  convertRootDir,
  convertRule,
  convertTagPattern,
  keepDollars,
  type NewValue,
} from "./convert_values.ts";
import { formatKeyPath, type KeyPath } from "./key_path.ts";
import { findKeyOfTheOriginal } from "./keys_of_the_original.ts";
import { TextEdits } from "./text_edits.ts";

export interface Conversion {
  readonly text: string;
  /** What was changed, in the order of the lines. */
  readonly changes: readonly ConfigChange[];
}

export interface ConfigChange {
  /** Line of the original text, from 1. */
  readonly line: number;
  /** Such as `global.gc_grace_secs`. */
  readonly key: string;
  /** What became of it. */
  readonly what: string;
  /** True where something that it did is not done any more: somebody has to look. */
  readonly isLoss: boolean;
}

/** Keys that have another place or name here. Seconds are read as seconds. */
const MOVED: ReadonlyMap<string, { readonly table: string; readonly key: string }> = new Map([
  ["server.handshake_timeout", { table: "server.tls", key: "handshake_timeout" }],
  ["global.shutdown_drain_secs", { table: "server", key: "drain_timeout" }],
  ["global.atime_audit_window_secs", { table: "global", key: "pull_history" }],
  ["global.gc_grace_secs", { table: "collect", key: "grace" }],
]);

/** Seconds: the collection warns about a shorter grace. */
const SHORTEST_GRACE = 600;

/** @throws {Error} for what is no TOML */
export function convertConfig(text: string, file: string): Conversion {
  return new Converter(text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n"), file).convert();
}

class Converter {
  readonly #file: string;
  readonly #text: string;
  readonly #edits: TextEdits;
  readonly #changes: ConfigChange[] = [];
  /** Line below the header of each table, by its path. */
  readonly #tables = new Map<string, number>();
  readonly #arriving: { readonly table: string; readonly line: string; readonly why: string }[] = [];

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#edits = new TextEdits(text);
  }

  convert(): Conversion {
    const parts = this.#parse();
    for (const part of parts) {
      if (part.type === "TOMLTable") this.#tables.set(pathOf(part.key).join("."), part.loc.start.line + 1);
    }
    for (const part of parts) {
      if (part.type === "TOMLTable") this.#convertTable(part);
      else this.#convertPair(part, []);
    }
    this.#place();
    return { text: this.#edits.apply(), changes: this.#changes.toSorted((a, b) => a.line - b.line) };
  }

  #parse(): readonly (AST.TOMLTable | AST.TOMLKeyValue)[] {
    try {
      return parseTOML(this.#text, { tomlVersion: "1.1" }).body[0].body;
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      throw new Error(
        `Cannot convert ${this.#file}: not valid TOML in line ${error.lineNumber}: ${error.message}`,
      );
    }
  }

  #convertTable(table: AST.TOMLTable): void {
    const path = pathOf(table.key);
    const gone = goneTable(path);
    if (gone !== undefined) {
      const last = table.body.at(-1)?.loc.end.line ?? table.loc.start.line;
      return this.#drop(table.loc.start.line, last, path, gone);
    }
    for (const pair of table.body) this.#convertPair(pair, path);
  }

  #convertPair(pair: AST.TOMLKeyValue, above: KeyPath): void {
    const path = [...above, ...pathOf(pair.key)];
    const lines = [pair.loc.start.line, pair.loc.end.line] as const;
    const gone = goneTable(path);
    const move = MOVED.get(path.join("."));
    if (move !== undefined) return this.#move(pair, path, move);
    if (gone !== undefined) return this.#drop(...lines, path, gone);
    if (pair.value.type === "TOMLInlineTable") {
      for (const inner of pair.value.body) this.#convertInner(inner, path, lines[0]);
      return;
    }
    this.#convertValue(pair.value, path, lines[0]);
  }

  /** A comment inside of `{ ... }` would be none: what cannot stay there is left for the reader, who is told. */
  #convertInner(pair: AST.TOMLKeyValue, above: KeyPath, line: number): void {
    const path = [...above, ...pathOf(pair.key)];
    const gone = goneTable(path);
    if (gone !== undefined) return this.#note(line, path, `take it out by hand: ${gone.what}`, true);
    if (pair.value.type === "TOMLInlineTable") {
      for (const inner of pair.value.body) this.#convertInner(inner, path, line);
    } else {
      this.#convertValue(pair.value, path, line);
    }
  }

  #convertValue(value: AST.TOMLContentNode, path: KeyPath, line: number): void {
    const convert = converterOf(path);
    if (isUnsetWebhook(path, value)) {
      return this.#drop(line, value.loc.end.line, path, {
        what: "an empty name meant the webhook of [global] there, and means none here",
        isLoss: false,
      });
    }
    const told = new Set<string>();
    for (const element of value.type === "TOMLArray" ? value.elements : [value]) {
      if (element.type !== "TOMLValue" || element.kind !== "string") continue;
      const token = this.#text.slice(...element.range);
      const changes = [convert, keepDollars].flatMap((each) => each?.(token) ?? []);
      if (changes.length === 0) continue;
      const converted = convert?.(token)?.token ?? token;
      this.#edits.replace(...element.range, keepDollars(converted)?.token ?? converted);
      for (const { why } of changes) if (!told.has(why)) this.#note(line, path, why, false);
      for (const { why } of changes) told.add(why);
    }
  }

  #drop(first: number, last: number, path: KeyPath, { what, isLoss }: Gone): void {
    this.#note(first, path, what, isLoss);
    this.#edits.commentOut(first, last);
  }

  #move(pair: AST.TOMLKeyValue, path: KeyPath, { table, key }: { table: string; key: string }): void {
    const line = pair.loc.start.line;
    const token = this.#text.slice(...pair.value.range);
    const isShortGrace = key === "grace" && /^[0-9_]+$/.test(token) &&
      Number(token.replaceAll("_", "")) < SHORTEST_GRACE;
    if (isShortGrace || (table === "server.tls" && !this.#tables.has(table))) {
      const why = isShortGrace
        ? "the grace here is 12 hours; see [collect]"
        : "it is about TLS here, and there is none";
      return this.#drop(line, pair.loc.end.line, path, { what: why, isLoss: false });
    }
    this.#drop(line, pair.loc.end.line, path, { what: `now ${key} of [${table}]`, isLoss: false });
    this.#arriving.push({ table, line: `${key} = ${token}`, why: `was ${formatKeyPath(path)}` });
  }

  /** Puts keys that have moved into their tables, or into new ones at the end. */
  #place(): void {
    for (const { table, line, why } of this.#arriving) {
      const at = this.#tables.get(table);
      const lines = [`# CONVERTED: ${why}`, line];
      if (at === undefined) this.#edits.append("", `[${table}]`, ...lines);
      else lines.forEach((each) => this.#edits.insertAbove(at, each));
    }
  }

  #note(line: number, path: KeyPath, what: string, isLoss: boolean): void {
    const key = formatKeyPath(path);
    this.#edits.insertAbove(line, `# ${isLoss ? "LOST" : "CONVERTED"}: ${key}: ${what}`);
    this.#changes.push({ line, key, what, isLoss });
  }
}

interface Gone {
  readonly what: string;
  readonly isLoss: boolean;
}

/** What to say of a key, or of a table above it, that is not here; undefined for one that is. */
function goneTable(path: KeyPath): Gone | undefined {
  for (let length = 1; length <= path.length; length++) {
    const what = findKeyOfTheOriginal(path.slice(0, length));
    if (what === undefined) continue;
    const isLoss = !/^(remove it|write )/.test(what);
    return { what: what.replace(/^remove it: /, "not needed: "), isLoss };
  }
  return undefined;
}

function converterOf(path: KeyPath): ((token: string) => NewValue | undefined) | undefined {
  const last = path.at(-1);
  if (last === "rules") return convertRule;
  if (last === "immutable_tags_exclusions") return convertTagPattern;
  if (path.join(".") === "blob_store.fs.root_dir") return convertRootDir;
  if (path.join(".") === "observability.tracing.endpoint") return convertCollector;
  return undefined;
}

function isUnsetWebhook(path: KeyPath, value: AST.TOMLContentNode): boolean {
  return path[0] === "repository" && path.length === 3 && path[2] === "authorization_webhook" &&
    value.type === "TOMLValue" && value.kind === "string" && value.value === "";
}

function pathOf({ keys }: Pick<AST.TOMLKey, "keys">): string[] {
  return keys.map((key) => key.type === "TOMLBare" ? key.name : key.value);
}
