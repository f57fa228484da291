/** What holds for the content of a repository, beside who may do what: which tags stay as they are, how much it may hold. */
import type { Tag } from "../core/tag.ts";
import type { Quota } from "../ports/metadata_store.ts";

export interface RepositoryRules {
  /** True for a tag that, once pushed, names the same manifest until it is deleted. */
  readonly isImmutable: (tag: Tag) => boolean;
  /** Whether immutable tags, and manifests that they name, may be deleted; true where no tag is immutable. */
  readonly allowsDeletingImmutable: boolean;
  /** Whether somebody outside is asked who may do what here, which takes a time that callers can measure. */
  readonly asksWebhook: boolean;
  readonly quota: Quota;
  /** Absent where content is pushed. */
  readonly mirror?: MirrorRules;
}

/** Nothing is kept from moving, going or growing. */
export const NO_RULES: RepositoryRules = {
  isImmutable: () => false,
  allowsDeletingImmutable: true,
  asksWebhook: false,
  quota: {},
};

/** How a mirror follows the registries that its content comes from. */
export interface MirrorRules {
  /** Where they are, without credentials, in the order in which they are asked. */
  readonly urls: readonly string[];
  /** How old an upstream's answer on a tag may become; ms, 0 asks each time, Infinity never again. */
  readonly revalidateAfter: number;
  readonly onUpstreamError: "serve-stale" | "fail";
  readonly onUpstreamNotFound: "serve-stale" | "fail";
  /** Asks no upstream. */
  readonly offline: boolean;
}
