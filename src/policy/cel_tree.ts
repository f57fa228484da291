/** The engine's parsed rule as this folder reads and changes it: the only file that knows more of it than its documents say. */
import type { ParseResult } from "@marcbachmann/cel-js";

/** A type as the engine's checker leaves it on each node. */
export interface CheckedType {
  readonly kind: string;
  readonly name: string;
}

interface NodeBase {
  /** Offset of the character that stands for the node: the field's name in a field access. */
  readonly pos: number;
  /** Offsets of the node's text, without parentheses around it. */
  readonly start: number;
  readonly end: number;
  /** Set by the check. */
  readonly checkedType?: CheckedType;
  setMeta(key: string, value: unknown): unknown;
}

const BINARY_OPERATORS = [
  ...["||", "&&", "==", "!=", "in", "<", "<=", ">", ">="] as const,
  ...["+", "-", "*", "/", "%"] as const,
];

type BinaryOperator = (typeof BINARY_OPERATORS)[number];

export type CelNode =
  & NodeBase
  & (
    | { readonly op: "value"; args: unknown }
    | { readonly op: "id"; readonly args: string }
    | { readonly op: "."; readonly args: [CelNode, string] }
    | { readonly op: "[]"; readonly args: [CelNode, CelNode] }
    | { readonly op: "call"; readonly args: [string, CelNode[]] }
    | { readonly op: "rcall"; readonly args: [string, CelNode, CelNode[]] }
    | { readonly op: "list"; readonly args: CelNode[] }
    | { readonly op: "map"; readonly args: [CelNode, CelNode][] }
    | { readonly op: "?:"; readonly args: [CelNode, CelNode, CelNode] }
    | { readonly op: "!_" | "-_"; readonly args: CelNode }
    | { readonly op: BinaryOperator; readonly args: [CelNode, CelNode] }
  );

export type ValueNode = Extract<CelNode, { op: "value" }>;
export type IndexNode = Extract<CelNode, { op: "[]" }>;
export type CallNode = Extract<CelNode, { op: "call" }>;
export type MethodNode = Extract<CelNode, { op: "rcall" }>;

export type BinaryNode = Extract<CelNode, { op: BinaryOperator }>;

export function isBinary(node: CelNode): node is BinaryNode {
  return (BINARY_OPERATORS as readonly string[]).includes(node.op);
}

/** The root of a parsed rule. */
export function treeOf(parsed: ParseResult): CelNode {
  return parsed.ast as unknown as CelNode;
}

/** The nodes directly below, in the order of the text. */
export function childrenOf(node: CelNode): readonly CelNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

/** Turns a call of a macro into a call of the plain function `name`. Must come before the check. */
export function makePlainCall(node: CallNode, name: string): void {
  node.setMeta("macro", undefined);
  node.setMeta("alternate", undefined);
  node.args[0] = name;
}
