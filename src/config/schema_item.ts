/** The parts that a schema is made of, and the type of the values that a schema reads. */
import type { Node, Place } from "./document.ts";
import type { ValueType } from "./value_type.ts";

/** A default as it would stand in a file. */
export type Written = string | number | boolean;

/** A key with a default. */
export interface DefaultedKey<T> {
  readonly kind: "defaulted";
  readonly type: ValueType<T>;
  readonly written: Written;
  /** The default as settings hold it: `written`, read by `type`. */
  readonly fallback: T;
  readonly about: string;
}

/** A key that its table must hold. Its value is undefined only where a problem was noted. */
export interface RequiredKey<T> {
  readonly kind: "required";
  readonly type: ValueType<T>;
  readonly about: string;
}

/** A key that may be left out, which then means something of its own. */
export interface UndefaultedKey<T> {
  readonly kind: "undefaulted";
  readonly type: ValueType<T>;
  readonly about: string;
}

/** A key with a list of values, empty where the key is left out. */
export interface ListKey<T> {
  readonly kind: "list";
  /** Of each element. */
  readonly type: ValueType<T>;
  /** Of the whole; finishes the sentence "expected ...". */
  readonly expected: string;
  /** True where a single value may stand for a list of one. */
  readonly takesOne: boolean;
  readonly about: string;
}

/** An element of a list. */
export interface Placed<T> {
  readonly value: T;
  readonly at: Place;
}

/** A table that is always there; an absent one is read as an empty one. */
export interface Section<K extends Keys> {
  readonly kind: "section";
  readonly keys: K;
  readonly about: string;
}

/** A table whose presence means something. */
export interface OptionalSection<K extends Keys> {
  readonly kind: "optional";
  readonly keys: K;
  readonly about: string;
}

/** Tables with names that people choose: `[repository."x"]`. */
export interface NamedSections<K extends Keys> {
  readonly kind: "named";
  readonly keys: K;
  readonly about: string;
}

/** Tables in a row that have no names: `[[repository."x".upstream]]`. */
export interface RepeatedSections<K extends Keys> {
  readonly kind: "repeated";
  readonly keys: K;
  readonly about: string;
}

export type SchemaItem =
  | DefaultedKey<unknown>
  | RequiredKey<unknown>
  | UndefaultedKey<unknown>
  | ListKey<unknown>
  | Section<Keys>
  | OptionalSection<Keys>
  | NamedSections<Keys>
  | RepeatedSections<Keys>;

export interface Keys {
  readonly [name: string]: SchemaItem;
}

/** One of the tables that {@linkcode NamedSections} describes. */
export interface Named<K extends Keys> {
  readonly name: string;
  readonly at: Place;
  readonly values: ValuesOf<K>;
}

/** One of the tables that {@linkcode RepeatedSections} describes. */
export interface Repeated<K extends Keys> {
  readonly at: Place;
  readonly values: ValuesOf<K>;
}

/** What reading a table by its schema gives. */
export type ValuesOf<K extends Keys> = { readonly [P in keyof K]: ValueOf<K[P]> };

type ValueOf<I extends SchemaItem> = I extends DefaultedKey<infer T> ? T
  : I extends RequiredKey<infer T> ? T | undefined
  : I extends UndefaultedKey<infer T> ? T | undefined
  : I extends ListKey<infer T> ? readonly Placed<T>[]
  : I extends Section<infer K> ? ValuesOf<K>
  : I extends OptionalSection<infer K> ? ValuesOf<K> | undefined
  : I extends NamedSections<infer K> ? readonly Named<K>[]
  : I extends RepeatedSections<infer K> ? readonly Repeated<K>[]
  : never;

export function key<T>(type: ValueType<T>, written: Written, about: string): DefaultedKey<T> {
  const fallback = type.parse(nodeOf(written));
  if (fallback === undefined) throw new TypeError(`Default ${written} is not ${type.expected}`);
  return { kind: "defaulted", type, written, fallback, about };
}

export function requiredKey<T>(type: ValueType<T>, about: string): RequiredKey<T> {
  return { kind: "required", type, about };
}

export function optionalKey<T>(type: ValueType<T>, about: string): UndefaultedKey<T> {
  return { kind: "undefaulted", type, about };
}

/** @param expected words for the whole list: "a list of ..." */
export function listKey<T>(
  type: ValueType<T>,
  expected: string,
  about: string,
  { takesOne = false } = {},
): ListKey<T> {
  return { kind: "list", type, expected, takesOne, about };
}

export function section<K extends Keys>(about: string, keys: K): Section<K> {
  return { kind: "section", keys, about };
}

export function optionalSection<K extends Keys>(about: string, keys: K): OptionalSection<K> {
  return { kind: "optional", keys, about };
}

export function namedSections<K extends Keys>(about: string, keys: K): NamedSections<K> {
  return { kind: "named", keys, about };
}

export function repeatedSections<K extends Keys>(about: string, keys: K): RepeatedSections<K> {
  return { kind: "repeated", keys, about };
}

/** The schema's item of that name, undefined when it has none (`constructor` is not one). */
export function itemOf(keys: Keys, name: string): SchemaItem | undefined {
  return Object.hasOwn(keys, name) ? keys[name] : undefined;
}

function nodeOf(written: Written): Node {
  const at: Place = { file: "", line: 0, column: 0 };
  if (typeof written === "number") return { kind: "integer", value: BigInt(written), at };
  if (typeof written === "boolean") return { kind: "boolean", value: written, at };
  return { kind: "string", value: written, raw: written, expanded: false, token: "", at };
}
