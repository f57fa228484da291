/** What goes into a bundle, as people name it: `REPOSITORY`, `REPOSITORY:TAG` or `REPOSITORY@DIGEST`, with * and ? in the names. */
import { type Digest, isDigest } from "../core/digest.ts";
import { matchesGlob } from "../core/glob.ts";
import { isRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { isTag, type Tag } from "../core/tag.ts";
import { quote } from "../core/quote.ts";

export interface Selection {
  /** As it was written. */
  readonly text: string;
  /** A name or a pattern. */
  readonly repository: string;
  /** What of it: all that tags lead to, the tags that a pattern fits, or one manifest. */
  readonly of: { readonly kind: "all" } | { readonly kind: "tags"; readonly pattern: string } | {
    readonly kind: "digest";
    readonly digest: Digest;
  };
}

/** @throws {Error} for a text that can name nothing */
export function parseSelection(text: string): Selection {
  const [, repository = "", tag, digest] = /^([^:@]*)(?::([^@]*)|@(.*))?$/.exec(text) ?? [];
  const wrong = (why: string) =>
    new Error(`Cannot export ${quote(text)}: ${why}; write REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST`);
  if (!isRepositoryName(withoutStars(repository))) throw wrong("it begins with no name of a repository");
  if (digest !== undefined) {
    if (!isDigest(digest)) throw wrong("what follows the @ is no digest");
    return { text, repository, of: { kind: "digest", digest } };
  }
  if (tag === undefined) return { text, repository, of: { kind: "all" } };
  if (!isTag(withoutStars(tag))) throw wrong("what follows the colon is no tag");
  return { text, repository, of: { kind: "tags", pattern: tag } };
}

export function selectsRepository({ repository }: Selection, name: RepositoryName): boolean {
  return matchesGlob(repository, name);
}

/** The one repository that it can select; undefined for a pattern. */
export function onlyRepository({ repository }: Selection): RepositoryName | undefined {
  return isRepositoryName(repository) ? repository : undefined;
}

export function selectsTag({ of }: Selection, tag: Tag): boolean {
  return of.kind === "all" || (of.kind === "tags" && matchesGlob(of.pattern, tag));
}

/** A name that the pattern could stand for. */
function withoutStars(pattern: string): string {
  return pattern.replace(/[*?]+/g, "x");
}
