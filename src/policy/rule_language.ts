/** What makes one kind of rules: the engine with its types, and the names that people may write. */
import type { Environment } from "@marcbachmann/cel-js";

/** Fields of each object, by the name of its type; a variable's type has the variable's name. */
export type ObjectFields = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface RuleLanguage {
  /** As messages name such rules, in the plural. */
  readonly name: string;
  readonly engine: Environment;
  readonly variables: readonly string[];
  readonly fields: ObjectFields;
  /** Functions, with the number of their arguments. */
  readonly functions: ReadonlyMap<string, number>;
  /** Functions that see a variable without naming it: what stands in for them takes it as its last argument. */
  readonly handedIn: ReadonlyMap<string, { readonly standIn: string; readonly variable: string }>;
  /** Names of another kind of rules, which people look for here as well, and what that kind is called. */
  readonly foreign: { readonly names: ReadonlySet<string>; readonly of: string };
}
