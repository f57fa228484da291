/** What holds for the content of a repository, beside who may do what: which tags stay as they are, how much it may hold. */
import type { Tag } from "../core/tag.ts";
import type { Quota } from "../ports/metadata_store.ts";

export interface RepositoryRules {
  /** True for a tag that, once pushed, names the same manifest until it is deleted. */
  readonly isImmutable: (tag: Tag) => boolean;
  /** Whether immutable tags, and manifests that they name, may be deleted; true where no tag is immutable. */
  readonly allowsDeletingImmutable: boolean;
  readonly quota: Quota;
}

/** Nothing is kept from moving, going or growing. */
export const NO_RULES: RepositoryRules = {
  isImmutable: () => false,
  allowsDeletingImmutable: true,
  quota: {},
};
