/** Refuses comparisons that could never be true: with null, and with a literal that the field cannot have. */
import { quote } from "../core/quote.ts";
import { ACTIONS } from "./access_vocabulary.ts";
import type { BinaryNode, CelNode } from "./cel_tree.ts";
import { fieldPath, pathType } from "./field_path.ts";
import { nearestName } from "../core/nearest_name.ts";
import type { RuleLanguage } from "./rule_language.ts";
import { didYouMean, excerpt, RuleFault } from "./rule_fault.ts";

/** Looks at `==`, `!=` and `in`. @throws {RuleFault} */
export function checkComparison(node: BinaryNode, text: string, language: RuleLanguage): void {
  const [left, right] = node.args;
  if (isLiteral(left, null)) throw nullFault(node, right, text, language);
  if (isLiteral(right, null)) throw nullFault(node, left, text, language);
  checkLiterals(fieldPath(left), right);
  if (node.op === "in" && fieldPath(right) === "image.annotations") {
    const name = excerpt(text, left.start, left.end, "'name'");
    throw new RuleFault(
      "an annotation is asked for by its name",
      node.start,
      `write image.annotations[${name}] != ''`,
    );
  }
  if (node.op !== "in") checkLiterals(fieldPath(right), left);
}

function isLiteral(node: CelNode, value: unknown): boolean {
  return node.op === "value" && node.args === value;
}

function nullFault(node: BinaryNode, other: CelNode, text: string, language: RuleLanguage): RuleFault {
  const path = fieldPath(other);
  const name = excerpt(text, other.start, other.end, "the left side");
  const message = `${name} is never null`;
  if (node.op === "in") return new RuleFault(message, node.start, "leave the null out");
  return new RuleFault(
    message,
    node.start,
    `write ${emptyTest(path && pathType(path, language), name, node.op === "==")}`,
  );
}

/** The text that asks whether something is empty, or whether it is not. */
function emptyTest(type: string | undefined, name: string, empty: boolean): string {
  const op = empty ? "==" : "!=";
  switch (type) {
    case "list<string>":
      return empty ? `size(${name}) == 0` : `size(${name}) > 0`;
    case "int":
      return `${name} ${op} 0`;
    case "certificate":
      return `${name}.fingerprint ${op} ''`;
    case "google.protobuf.Timestamp":
      return empty ? `!has(${name})` : `has(${name})`;
    case "identity":
      return `${name}.username ${op} ''`;
    default:
      return `${name} ${op} ''`;
  }
}

/** Looks at the literal, or at each of a list of literals, that a field is compared with. */
function checkLiterals(path: string | undefined, node: CelNode): void {
  if (path === undefined) return;
  for (const literal of node.op === "list" ? node.args : [node]) {
    if (literal.op !== "value" || typeof literal.args !== "string" || literal.args === "") continue;
    switch (path) {
      case "request.action":
        checkAction(literal.args, literal.start);
        break;
      case "identity.certificate.fingerprint":
        checkHex(
          literal.args,
          literal.start,
          "a fingerprint is 64 hexadecimal digits (SHA-256)",
          /^[0-9a-f]{64}$/,
        );
        break;
      case "identity.certificate.serial":
        checkHex(
          literal.args,
          literal.start,
          "a serial number is hexadecimal digits",
          /^(0|[1-9a-f][0-9a-f]*)$/,
        );
        break;
    }
  }
}

/** A prefix of `request.action` that no action has. @throws {RuleFault} */
export function checkPrefix(receiver: CelNode, prefix: CelNode): void {
  if (fieldPath(receiver) !== "request.action" || prefix.op !== "value") return;
  const text = prefix.args;
  if (typeof text !== "string" || [...ACTIONS].some((action) => action.startsWith(text))) return;
  const beginnings = [...new Set([...ACTIONS].map((action) => action.replace(/-.*/, "-")))].join(", ");
  throw new RuleFault(`no action starts with ${quote(text)}`, prefix.start, `they start with ${beginnings}`);
}

function checkAction(action: string, at: number): void {
  if (ACTIONS.has(action)) return;
  // An example of the original names put-blob; it never existed.
  if (action === "put-blob") {
    throw new RuleFault(
      'there is no action "put-blob"',
      at,
      "a blob is pushed by start-upload, update-upload and complete-upload, or by mount-blob",
    );
  }
  const nearest = nearestName(action, ACTIONS);
  throw new RuleFault(
    `there is no action ${quote(action)}`,
    at,
    didYouMean(nearest && `'${nearest}'`) ?? `a prefix is asked for by request.action.startsWith('get-')`,
  );
}

/** People paste what openssl prints, in capitals and with colons, which would never be equal. */
function checkHex(text: string, at: number, form: string, grammar: RegExp): void {
  if (grammar.test(text)) return;
  const plain = text.toLowerCase().replaceAll(/[: ]/g, "").replace(/^0x/, "");
  const proposal = grammar.test(plain) ? plain : plain.replace(/^0+(?=.)/, "");
  throw new RuleFault(
    `${form} in lower case without colons, and ${quote(text)} is not`,
    at,
    grammar.test(proposal) ? `write '${proposal}'` : undefined,
  );
}
