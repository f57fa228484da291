/** Paths of fields, such as `identity.certificate.serial`, and the types at their ends. */
import type { CelNode } from "./cel_tree.ts";
import type { RuleLanguage } from "./rule_language.ts";

/** The path that a node names from a variable on, undefined where it is anything else. `x['y']` is the same as `x.y`. */
export function fieldPath(node: CelNode): string | undefined {
  switch (node.op) {
    case "id":
      return node.args;
    case ".": {
      const receiver = fieldPath(node.args[0]);
      return receiver === undefined ? undefined : `${receiver}.${node.args[1]}`;
    }
    case "[]": {
      const receiver = fieldPath(node.args[0]);
      const index = node.args[1];
      if (receiver === undefined || index.op !== "value" || typeof index.args !== "string") return undefined;
      return `${receiver}.${index.args}`;
    }
    default:
      return undefined;
  }
}

/** The type of what a path names, undefined for a path that does not exist. */
export function pathType(path: string, { variables, fields }: RuleLanguage): string | undefined {
  const [root, ...names] = path.split(".");
  if (root === undefined || !variables.includes(root)) return undefined;
  let type: string | undefined = root;
  for (const name of names) type = fields.get(type ?? "")?.get(name);
  return type;
}
