/** `${NAME}` in a string is replaced from the environment; `$${` stands for a plain `${`. */
import type { StringNode } from "./document.ts";

/** Gives the value of an environment variable, undefined when it is not set. */
export type Environment = (name: string) => string | undefined;

/** The string with its variables replaced, or a sentence that says why they cannot be. Values are not expanded again. */
export function expandEnvironment(node: StringNode, env: Environment): StringNode | { fault: string } {
  let fault: string | undefined;
  let expanded = false;
  const value = node.raw.replace(/\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g, (match, name?: string) => {
    if (match === "$${") return "${";
    if (name === undefined) {
      fault ??=
        "expected ${NAME} after the dollar sign, with NAME of letters, digits and _; write $${ for a plain ${";
      return "";
    }
    const found = env(name);
    if (found === undefined) fault ??= `the environment variable ${name} is not set`;
    expanded = true;
    return found ?? "";
  });
  return fault === undefined ? { ...node, value, expanded } : { fault };
}
