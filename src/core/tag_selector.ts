/** Choosing among the tags of a repository: a tag by name, a pattern as shells write them, or a range of versions. */
import { matchesGlob } from "./glob.ts";
import { isTag, type Tag } from "./tag.ts";
import { isInRange, parseVersionRange, type VersionRange } from "./version_range.ts";

export type TagSelector =
  | { readonly kind: "tag"; readonly tag: Tag }
  | { readonly kind: "glob"; readonly pattern: string }
  | { readonly kind: "range"; readonly range: VersionRange };

/** `3.20`, `3.*` or `>=3.18 <4`; undefined for a text that could choose nothing. */
export function parseTagSelector(text: string): TagSelector | undefined {
  if (isTag(text)) return { kind: "tag", tag: text };
  if (/^[a-zA-Z0-9_.*?-]{1,128}$/.test(text) && /[*?]/.test(text)) return { kind: "glob", pattern: text };
  const range = parseVersionRange(text);
  return range && { kind: "range", range };
}

/** True when a selector chooses the tag. */
export function isSelected(selectors: readonly TagSelector[], tag: Tag): boolean {
  return selectors.some((selector) => {
    switch (selector.kind) {
      case "tag":
        return selector.tag === tag;
      case "glob":
        return matchesGlob(selector.pattern, tag);
      case "range":
        return isInRange(selector.range, tag);
    }
  });
}
