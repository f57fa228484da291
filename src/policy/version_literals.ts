/** Versions that rules compare tags with: `semver(image.tag) >= semver('1.4')`. */
import { quote } from "../core/quote.ts";
import { SemanticVersion } from "../core/semantic_version.ts";
import type { CelNode } from "./cel_tree.ts";
import { RuleFault } from "./rule_fault.ts";

/** @throws {RuleFault} for a literal that is no version: it would never compare to anything */
export function checkVersion(node: CelNode): void {
  if (node.op !== "value" || typeof node.args !== "string" || new SemanticVersion(node.args).isVersion) {
    return;
  }
  throw new RuleFault(`${quote(node.args)} is no version`, node.start, "write e.g. semver('1.4.0')");
}
