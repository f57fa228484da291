/** A configuration document: TOML values as a tree in which every key and value knows its file and line. */

/** Where a key or value stands. Line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface StringNode {
  readonly kind: "string";
  readonly value: string;
  /** True when the environment put a part of it: numbers and booleans may then be read from the text. */
  readonly expanded: boolean;
  /** What the file says, before the environment came in. */
  readonly raw: string;
  /** The string as it stands in the file, quotation marks and escapes included. */
  readonly token: string;
  readonly at: Place;
}

export type ScalarNode =
  | StringNode
  | { readonly kind: "integer"; readonly value: bigint; readonly at: Place }
  | { readonly kind: "float"; readonly value: number; readonly at: Place }
  | { readonly kind: "boolean"; readonly value: boolean; readonly at: Place }
  | { readonly kind: "date"; readonly at: Place };

export interface ArrayNode {
  readonly kind: "array";
  readonly elements: Node[];
  readonly at: Place;
}

/** A Map and not an object, so that a key such as `__proto__` is a key like any other. */
export interface TableNode {
  readonly kind: "table";
  readonly entries: Map<string, Entry>;
  readonly at: Place;
}

export type Node = ScalarNode | ArrayNode | TableNode;

export interface Entry {
  /** Where the key stands; the value has its own place. */
  readonly at: Place;
  readonly node: Node;
}

/** A table without entries, as an absent one is read. */
export function emptyTable(at: Place): TableNode {
  return { kind: "table", entries: new Map(), at };
}

/** The entry at a path of keys, undefined when there is none. Elements of an array are "1", "2" and so on. */
export function findEntry(table: TableNode, path: readonly string[]): Entry | undefined {
  const [name, ...rest] = path;
  const entry = name === undefined ? undefined : table.entries.get(name);
  if (entry === undefined || rest.length === 0) return entry;
  const { node } = entry;
  if (node.kind === "table") return findEntry(node, rest);
  const element = node.kind === "array" ? node.elements[Number(rest[0]) - 1] : undefined;
  if (element === undefined) return undefined;
  if (rest.length === 1) return { at: element.at, node: element };
  return element.kind === "table" ? findEntry(element, rest.slice(1)) : undefined;
}

/**
 * Lays a later document over an earlier one: tables merge key by key at every depth, everything else is replaced whole.
 * What the later document defines keeps its own places.
 */
export function mergeTables(earlier: TableNode, later: TableNode): TableNode {
  const entries = new Map(earlier.entries);
  for (const [name, entry] of later.entries) {
    const before = entries.get(name);
    entries.set(
      name,
      before?.node.kind === "table" && entry.node.kind === "table"
        ? { at: entry.at, node: mergeTables(before.node, entry.node) }
        : entry,
    );
  }
  return { kind: "table", entries, at: later.at };
}
