/** Reads which tags are immutable, of `[global]` or of a repository. */
import { quote } from "../core/quote.ts";
import { Pattern } from "../policy/pattern.ts";
import { type Checking, noteProblem } from "./checking.ts";
import type { StringNode } from "./document.ts";
import type { KeyPath } from "./key_path.ts";
import type { Placed } from "./schema_item.ts";
import type { TagSettings } from "./settings.ts";

interface TagKeys {
  readonly immutable_tags: boolean;
  readonly immutable_tags_exclusions: readonly Placed<StringNode>[];
  readonly allow_delete_immutable: boolean | undefined;
}

/**
 * A repository can make tags immutable but not lift what `[global]` says of them; its list of exclusions counts instead
 * of the global one unless it is empty, as in the original.
 */
export function readTagSettings(
  keys: TagKeys,
  path: KeyPath,
  checking: Checking,
  global: TagSettings = { immutable: false, exclusions: [], allowDelete: false },
): TagSettings {
  const exclusions = keys.immutable_tags_exclusions.map(({ value: node, at }) => {
    const pattern = Pattern.compile(node.value);
    if (typeof pattern === "string") {
      noteProblem(
        checking,
        [...path, "immutable_tags_exclusions"],
        `pattern ${quote(node.raw)}: ${pattern}`,
        at,
      );
    }
    return node.value;
  });
  return {
    immutable: keys.immutable_tags || global.immutable,
    exclusions: exclusions.length > 0 ? exclusions : global.exclusions,
    allowDelete: keys.allow_delete_immutable ?? global.allowDelete,
  };
}
