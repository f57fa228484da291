/** Where the entries of an archive belong: by our own annotations, by the names that other programs write, or as it is asked. */
import type { Descriptor } from "../core/descriptor.ts";
import { isRepositoryName, parseRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { isTag, type Tag } from "../core/tag.ts";
import { quote } from "../core/quote.ts";
import { SourceFault } from "../core/source_fault.ts";
import { REF_NAME, REPOSITORY, TAG } from "./bundle_format.ts";

/** The whole name of an image, as containerd and docker write it. */
const IMAGE_NAME = "io.containerd.image.name";

export interface NameRules {
  /** Comes before every name, with a slash between them. */
  readonly prefix?: string;
  /** The repository of all entries, whatever they say. */
  readonly repository?: string;
}

export interface EntryName {
  readonly repository: RepositoryName;
  readonly tag: Tag | undefined;
}

/** @throws {SourceFault} for an entry that says no repository, or none that can be used */
export function nameOfEntry({ annotations = {} }: Descriptor, { prefix, repository }: NameRules): EntryName {
  const said = readNames(annotations);
  const name = repository ?? said.repository;
  if (name === undefined) {
    throw new SourceFault("the archive does not say which repository it belongs to: add --repository NAME");
  }
  const whole = prefix === undefined ? name : `${prefix.replace(/\/+$/, "")}/${name}`;
  if (!isRepositoryName(whole)) throw new SourceFault(`${quote(whole)} is no name of a repository`);
  if (said.tag !== undefined && !isTag(said.tag)) throw new SourceFault(`${quote(said.tag)} is no tag`);
  return { repository: parseRepositoryName(whole), tag: said.tag };
}

function readNames(
  annotations: Readonly<Record<string, string>>,
): { readonly repository?: string; readonly tag?: string } {
  const own = (key: string) => Object.hasOwn(annotations, key) ? annotations[key] : undefined;
  const [repository, tag, name, image] = [own(REPOSITORY), own(TAG), own(REF_NAME), own(IMAGE_NAME)];
  if (repository !== undefined) return { repository, ...(tag !== undefined && { tag }) };
  if (image !== undefined) return readImageName(image);
  if (name === undefined || name === "") return {};
  return isTag(name) ? { tag: name } : readImageName(name);
}

/** `[HOST/]PATH[:TAG]`; the host says where it came from, and goes. */
function readImageName(name: string): { readonly repository: string; readonly tag?: string } {
  const [start = ""] = name.split("@", 1);
  const colon = start.lastIndexOf(":");
  const hasTag = colon > start.lastIndexOf("/");
  const path = (hasTag ? start.slice(0, colon) : start).split("/");
  const isHost = path.length > 1 && /[.:]|^localhost$/.test(path[0]!);
  return {
    repository: (isHost ? path.slice(1) : path).join("/"),
    ...(hasTag && { tag: start.slice(colon + 1) }),
  };
}
