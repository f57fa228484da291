/** Puts our own functions in the places of `matches`, `has` and those that see more than is written, before the types are checked. */
import { type CelNode, childrenOf, makePlainCall, treeOf } from "./cel_tree.ts";
import { STAND_INS } from "./engine.ts";
import { Pattern } from "./pattern.ts";
import type { RuleLanguage } from "./rule_language.ts";
import { RuleFault } from "./rule_fault.ts";

/**
 * Changes a parsed rule in place. It must have passed the inspection and must not have been checked.
 *
 * @throws {RuleFault} for a pattern that cannot be used
 */
export function rewriteRule(node: CelNode, language: RuleLanguage): void {
  for (const child of childrenOf(node)) rewriteRule(child, language);
  if (node.op === "rcall" && node.args[0] === "matches") {
    putPattern(node.args[2][0]!);
    node.args[0] = STAND_INS.matches;
  } else if (node.op === "call" && node.args[0] === "has") {
    makePlainCall(node, STAND_INS.has);
  } else if (node.op === "call") {
    const handedIn = language.handedIn.get(node.args[0]);
    if (handedIn === undefined) return;
    node.args[1].push(treeOf(language.engine.parse(handedIn.variable)));
    node.args[0] = handedIn.standIn;
  }
}

/** Compiles the pattern once; one that is put together from what a client sends could also mean anything. */
function putPattern(node: CelNode): void {
  if (node.op !== "value" || typeof node.args !== "string") {
    const hint = "for what is computed there are startsWith, endsWith, contains and ==";
    throw new RuleFault("matches() takes a pattern in quotes", node.start, hint);
  }
  const pattern = Pattern.compile(node.args);
  if (typeof pattern === "string") throw new RuleFault(pattern, node.start);
  node.args = pattern;
}
