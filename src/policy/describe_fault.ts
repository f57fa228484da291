/** Says in words what the engine's parser or its check of types found wrong. */
import { quote } from "../core/quote.ts";
import { EvaluationError, ParseError, TypeError as CelTypeError } from "@marcbachmann/cel-js";
import { type BinaryNode, type CelNode, isBinary } from "./cel_tree.ts";
import { DEEPEST_NESTING, MOST_NODES, STAND_INS } from "./engine.ts";
import { excerpt, printable, RuleFault } from "./rule_fault.ts";

/** The engine's fault in our words, undefined for a fault that is not of its kinds. */
export function describeFault(fault: unknown, text: string): RuleFault | undefined {
  if (fault instanceof ParseError) return describeParseError(fault, text);
  if (fault instanceof CelTypeError) return describeTypeError(fault, text);
  // A rule that nests too deep for the stack of the engine.
  if (fault instanceof RangeError) return new RuleFault("the rule nests too deep", undefined);
  return undefined;
}

/** What went wrong in an evaluation, on one line of bounded length. */
export function describeEvaluationFault(fault: unknown): string {
  const missing = fault instanceof EvaluationError
    ? /index out of bounds, index (\d+)/.exec(fault.summary)
    : null;
  if (missing !== null) return `the list has no element ${missing[1]}`;
  if (fault instanceof EvaluationError) return printable(fault.summary);
  return printable(fault instanceof Error ? `${fault.name}: ${fault.message}` : "unknown fault");
}

/** Words and signs of other languages. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ["and", "write &&"],
  ["or", "write ||"],
  ["not", "write !"],
  ["=", "write =="],
  ["&", "write &&"],
  ["|", "write ||"],
  [";", "write one rule as one string of the list"],
]);

const TOKENS: ReadonlyMap<string, string> = new Map([
  ["EOF", "the end of the rule"],
  ["RPAREN", '")"'],
  ["RBRACKET", '"]"'],
  ["RBRACE", '"}"'],
  ["COLON", '":"'],
  ["IDENTIFIER", "a name"],
]);

function describeParseError(fault: ParseError, text: string): RuleFault {
  const start = fault.range?.start;
  const found = start === undefined ? "" : text.slice(start, fault.range!.end);
  switch (fault.code) {
    case "limit_exceeded":
      return fault.summary.includes("maxDepth")
        ? new RuleFault(`the rule nests deeper than ${DEEPEST_NESTING}`, start, "write several rules")
        : fault.summary.includes("maxAstNodes")
        ? new RuleFault(`the rule has more than ${MOST_NODES} parts`, start, "write several rules")
        : new RuleFault("a list or call has too many elements", start, "write several rules");
    case "unexpected_character":
    case "unexpected_token":
    case "expected_token": {
      const expected = TOKENS.get(/^Expected (\w+),/.exec(fault.summary)?.[1] ?? "");
      const after = expected === undefined ? "" : `, expected ${expected}`;
      if (start === undefined || start >= text.length) {
        return new RuleFault(`the rule ends too early${after}`, start);
      }
      return new RuleFault(`unexpected ${quote(found)}${after}`, start, FOREIGN.get(found));
    }
    case "invalid_macro_argument":
      return new RuleFault(
        "a walk through a list needs a name first",
        start,
        "write e.g. list.exists(x, x == 'a')",
      );
    case "reserved_identifier":
      return new RuleFault(`${quote(found)} is a reserved word`, start);
    default:
      return engineFault(fault);
  }
}

function describeTypeError(fault: CelTypeError, text: string): RuleFault {
  const node = fault.node as unknown as CelNode | undefined;
  if (node === undefined) return engineFault(fault);
  switch (fault.code) {
    case "no_such_overload":
      if (node.op === "!_") return notBool(node.args, text, '"!" takes a condition');
      if (node.op === "-_") return new RuleFault(`"-" takes a number, not ${typeOf(node.args)}`, node.start);
      return isBinary(node) ? describeBinary(node, text) : engineFault(fault);
    case "invalid_logical_operand": {
      if (!isBinary(node)) return engineFault(fault);
      const operand = node.args.find((child) => child.checkedType?.name !== "bool") ?? node;
      return notBool(operand, text, `"${node.op}" takes conditions`);
    }
    case "invalid_condition_type":
      return notBool(node, text, "a condition is needed here");
    case "no_matching_overload":
      return node.op === "call" || node.op === "rcall" ? describeCall(node, text) : engineFault(fault);
    case "no_such_key":
    case "cannot_index_type":
    case "invalid_index_type": {
      if (node.op === ".") {
        return new RuleFault(`${typeOf(node.args[0])} has no field ${quote(node.args[1])}`, node.pos);
      }
      if (node.op !== "[]") return engineFault(fault);
      const [receiver, index] = node.args;
      return new RuleFault(`${typeOf(receiver)} takes no index of type ${typeOf(index)}`, index.start);
    }
    case "invalid_comprehension_range":
      return new RuleFault(
        `only a list can be walked through, and this is of type ${typeOf(node)}`,
        node.start,
      );
    case "heterogeneous_list_element":
      return new RuleFault(
        `the elements of a list have one type, and this is of type ${typeOf(node)}`,
        node.start,
      );
    default:
      return engineFault(fault);
  }
}

/** The engine's own text, which can repeat pieces of the rule. */
function engineFault(fault: ParseError | CelTypeError): RuleFault {
  const text = printable(plainTypes(fault.summary));
  return new RuleFault(text.charAt(0).toLowerCase() + text.slice(1), fault.range?.start);
}

function describeBinary(node: BinaryNode, text: string): RuleFault {
  const [left, right] = node.args;
  const [leftType, rightType] = [typeOf(left), typeOf(right)];
  const [l, r] = [excerpt(text, left.start, left.end, "x"), excerpt(text, right.start, right.end, "y")];
  switch (node.op) {
    case "in": {
      const hint = rightType === "string"
        ? `write ${r}.contains(${l})`
        : "behind in stands a list of the same type";
      return new RuleFault(`"in" cannot look for ${leftType} in ${rightType}`, node.start, hint);
    }
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return new RuleFault(`"${node.op}" does not work on ${leftType} and ${rightType}`, node.start);
    default: {
      const hint = leftType === "list<string>" && rightType === "string"
        ? `write ${r} in ${l}`
        : leftType === "string" && rightType === "list<string>"
        ? `write ${l} in ${r}`
        : leftType === "string" || rightType === "string"
        ? "a string stands in quotes, '...'"
        : undefined;
      return new RuleFault(`"${node.op}" cannot compare ${leftType} with ${rightType}`, node.start, hint);
    }
  }
}

function describeCall(node: Extract<CelNode, { op: "call" | "rcall" }>, text: string): RuleFault {
  const name = writtenName(node.args[0]);
  if (node.op === "call") {
    const types = node.args[1].map(typeOf).join(", ");
    return new RuleFault(`${name}() does not work on ${types}`, node.start);
  }
  const [, receiver, args] = node.args;
  const at = Math.max(node.start, text.indexOf(name, receiver.end));
  const receiverType = typeOf(receiver);
  const stringMethod = ["startsWith", "endsWith", "matches"].includes(name);
  if (stringMethod && receiverType === "list<string>") {
    const list = excerpt(text, receiver.start, receiver.end, "list");
    const inner = args[0] === undefined ? "" : excerpt(text, args[0].start, args[0].end, "...");
    return new RuleFault(
      `${name}() does not work on a list`,
      at,
      `write ${list}.exists(x, x.${name}(${inner}))`,
    );
  }
  const types = args.map(typeOf).join(", ");
  return new RuleFault(`${name}() does not work on ${receiverType}${types && ` with ${types}`}`, at);
}

/** A fault about something that is no condition, with the condition that was probably meant. */
export function notBool(node: CelNode, text: string, message: string): RuleFault {
  const name = excerpt(text, node.start, node.end, "x");
  const type = typeOf(node);
  const hint = node.op === "value"
    ? undefined
    : type === "string"
    ? `write ${name} != ''`
    : type.startsWith("list")
    ? `write size(${name}) > 0`
    : type === "certificate"
    ? `write ${name}.fingerprint != ''`
    : type === "int"
    ? `write ${name} > 0`
    : undefined;
  return new RuleFault(`${message}, and this is of type ${type}`, node.start, hint);
}

function typeOf(node: CelNode): string {
  return plainTypes(node.checkedType?.name ?? "unknown");
}

function plainTypes(text: string): string {
  return text
    .replaceAll("google.protobuf.Timestamp", "timestamp")
    .replaceAll("google.protobuf.Duration", "duration")
    .replaceAll(/list<[A-Z]>/g, "list");
}

function writtenName(name: string): string {
  return Object.entries(STAND_INS).find(([, standIn]) => standIn === name)?.[0] ?? name;
}
