/** Reads a table by its schema: the values, and a problem for everything that does not belong. */
import { quote } from "../core/quote.ts";
import { type Problem, problemAt } from "./config_error.ts";
import { emptyTable, type Entry, type Node, type Place, type TableNode } from "./document.ts";
import { type Environment, expandEnvironment } from "./expand_environment.ts";
import { formatKeyPath, type KeyPath } from "./key_path.ts";
import { findKeyOfTheOriginal } from "./keys_of_the_original.ts";
import { nearestName } from "../core/nearest_name.ts";
import { visitSchema } from "./schema.ts";
import {
  itemOf,
  type Keys,
  type ListKey,
  type Placed,
  type SchemaItem,
  type ValuesOf,
} from "./schema_item.ts";
import type { ValueType } from "./value_type.ts";

export interface Reading {
  readonly env: Environment;
  readonly problems: Problem[];
  /** False when a file could not be parsed: a key that seems to be missing may stand in that file. */
  readonly complete: boolean;
}

/** Values of the table; where one is faulty a problem is noted and its default (or undefined) stands in. */
export function readTable<K extends Keys>(
  keys: K,
  table: TableNode,
  path: KeyPath,
  reading: Reading,
): ValuesOf<K> {
  for (const [name, entry] of table.entries) {
    if (itemOf(keys, name) !== undefined) continue;
    const below = [...path, name];
    reading.problems.push(problemAt(entry.at, below, describeUnknownKey(below, entry.node, keys)));
  }
  const values = Object.entries(keys).map(([name, item]) => {
    return [name, readItem(item, table.entries.get(name), table.at, [...path, name], reading)] as const;
  });
  // The schema gives each item its type; a loop over names cannot show that to the compiler.
  return Object.fromEntries(values) as ValuesOf<K>;
}

function readItem(
  item: SchemaItem,
  entry: Entry | undefined,
  tableAt: Place,
  path: KeyPath,
  reading: Reading,
): unknown {
  switch (item.kind) {
    case "defaulted":
      return entry === undefined
        ? item.fallback
        : readValue(item.type, entry.node, path, reading) ?? item.fallback;
    case "required":
      if (entry !== undefined) return readValue(item.type, entry.node, path, reading);
      if (reading.complete) {
        reading.problems.push(problemAt(tableAt, path, `is missing, expected ${item.type.expected}`));
      }
      return undefined;
    case "undefaulted":
      return entry && readValue(item.type, entry.node, path, reading);
    case "list":
      return entry === undefined ? [] : readList(item, entry.node, path, reading);
    case "section":
      return readTable(item.keys, tableOf(entry, path, reading) ?? emptyTable(tableAt), path, reading);
    case "optional": {
      const table = tableOf(entry, path, reading);
      return table && readTable(item.keys, table, path, reading);
    }
    case "named": {
      const names = tableOf(entry, path, reading)?.entries ?? new Map<string, Entry>();
      return [...names].flatMap(([name, named]) => {
        const below = [...path, name];
        const table = tableOf(named, below, reading);
        return table ? [{ name, at: named.at, values: readTable(item.keys, table, below, reading) }] : [];
      });
    }
    case "repeated":
      return tablesOf(entry, path, reading).map((table, index) => ({
        at: table.at,
        values: readTable(item.keys, table, [...path, String(index + 1)], reading),
      }));
  }
}

function tablesOf(entry: Entry | undefined, path: KeyPath, reading: Reading): readonly TableNode[] {
  if (entry === undefined) return [];
  const { node } = entry;
  if (node.kind === "array") {
    const tables = node.elements.filter((element) => element.kind === "table");
    if (tables.length === node.elements.length) return tables;
  }
  const message = `expected tables [[${formatKeyPath(path)}]], each with two brackets, got ${
    describeKind(node)
  }`;
  reading.problems.push(problemAt(node.at, path, message));
  return [];
}

function tableOf(entry: Entry | undefined, path: KeyPath, reading: Reading): TableNode | undefined {
  if (entry === undefined || entry.node.kind === "table") return entry?.node as TableNode | undefined;
  // What stands where a table belongs may be a secret that lost its key.
  const message = `expected a table [${formatKeyPath(path)}], got ${describeKind(entry.node)}`;
  reading.problems.push(problemAt(entry.node.at, path, message));
  return undefined;
}

function readValue<T>(type: ValueType<T>, found: Node, path: KeyPath, reading: Reading): T | undefined {
  const node = found.kind === "string" ? expandEnvironment(found, reading.env) : found;
  if ("fault" in node) {
    reading.problems.push(problemAt(found.at, path, node.fault));
    return undefined;
  }
  const value = type.parse(node);
  if (value === undefined) {
    const got = type.secret === true ? describeKind(node) : describeNode(node);
    reading.problems.push(problemAt(node.at, path, `expected ${type.expected}, got ${got}`));
  }
  return value;
}

function readList<T>(key: ListKey<T>, node: Node, path: KeyPath, reading: Reading): Placed<T>[] {
  if (node.kind !== "array" && !(key.takesOne && node.kind === "string")) {
    const message = `expected ${key.expected}, got ${describeNode(node)}`;
    reading.problems.push(problemAt(node.at, path, message));
    return [];
  }
  return (node.kind === "array" ? node.elements : [node]).flatMap((element) => {
    const value = readValue(key.type, element, path, reading);
    return value === undefined ? [] : [{ value, at: element.at }];
  });
}

/** What a value is, without the value. */
function describeKind(node: Node): string {
  switch (node.kind) {
    case "string":
      return node.value === "" ? "an empty text" : "a text";
    case "integer":
    case "float":
      return "a number";
    default:
      return describeNode(node);
  }
}

function describeNode(node: Node): string {
  switch (node.kind) {
    case "string":
      // What the environment holds may be secret: a message shows the variable's name only.
      return node.expanded ? `the value of ${quote(node.raw)}` : `the text ${quote(node.value)}`;
    case "integer": {
      const digits = String(node.value);
      return digits.length > 40 ? `a number of ${digits.length} digits` : `the number ${digits}`;
    }
    case "float":
      return `the number ${node.value}`;
    case "boolean":
      return String(node.value);
    case "date":
      return "a date or time";
    case "array":
      return "an array";
    case "table":
      return "a table";
  }
}

function describeUnknownKey(path: KeyPath, node: Node, siblings: Keys): string {
  const original = findKeyOfTheOriginal(path);
  if (original !== undefined) return original;
  const names = Object.keys(siblings);
  const name = path[path.length - 1]!;
  const near = nearestName(name, names);
  if (near === undefined && node.kind === "table" && path.length === 3 && path[0] === "repository") {
    const meant = formatKeyPath(["repository", repositoryNameOf(path, node, siblings)]);
    return `unknown key; a repository name with "/" or "." in it goes into quotation marks: [${meant}]`;
  }
  const meant = near === undefined ? findElsewhere(name) : [...path.slice(0, -1), near];
  if (meant !== undefined) return `unknown key, did you mean "${formatSchemaPath(meant)}"?`;
  return names.length === 0
    ? "unknown key: this table takes none"
    : `unknown key, expected one of ${names.join(", ")}`;
}

/** The name that `[repository.team.app.web]` was probably to say: TOML reads each dot as the start of a table. */
function repositoryNameOf([, ...names]: KeyPath, node: TableNode, keys: Keys): string {
  const [next, ...others] = node.entries;
  if (next === undefined || others.length > 0) return names.join("/");
  const [name, entry] = next;
  return entry.node.kind !== "table" || itemOf(keys, name) !== undefined
    ? names.join("/")
    : repositoryNameOf(["repository", ...names, name], entry.node, keys);
}

/** A key that stands in the wrong table. */
function findElsewhere(name: string): KeyPath | undefined {
  let found: KeyPath | undefined;
  visitSchema((path) => {
    if (path[path.length - 1] === name) found ??= path;
  });
  return found;
}

/** `repository.<name>.access_policy`: a place in the schema, where `*` is any one name. */
function formatSchemaPath(path: KeyPath): string {
  return path.map((name) => name === "*" ? "<name>" : formatKeyPath([name])).join(".");
}
