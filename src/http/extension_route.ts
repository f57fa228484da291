/**
 * Routes of the extension API: `/v2/_ext/...`, and the paths under which the original's later versions had the same. No
 * repository name begins with "_" or holds a component that does, so no name is hidden by them.
 */
import { parseDigest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import { parseRepositoryName } from "../core/repository_name.ts";
import { parseTag } from "../core/tag.ts";
import { methodNotAllowed } from "./method_not_allowed.ts";
import { decodeSegment, queryValue, readListing } from "./target.ts";

const READ = ["GET", "HEAD"];

/** What a path asks for, with the methods that it takes; undefined for a path that is not of the extension API. */
interface ExtensionRoute {
  readonly methods: readonly string[];
  read(): Operation;
}

/**
 * Finds what a request to the extension API asks for; undefined for other paths, and for those below `/v2/_ext/` that are
 * no endpoint.
 *
 * @throws {OciError} UNSUPPORTED (405), and the codes of names, digests, tags and parameters that do not parse
 */
export function findExtensionRoute(method: string, path: string, query: string): Operation | undefined {
  const route = path.startsWith("/v2/_ext/")
    ? findOwn(path.slice("/v2/_ext/".length), query)
    : path.includes("/_angos/")
    ? findOriginals(path, query)
    : undefined;
  if (route === undefined) return undefined;
  if (!route.methods.includes(method)) throw methodNotAllowed(method, route.methods.join(", "));
  return route.read();
}

function findOwn(rest: string, query: string): ExtensionRoute | undefined {
  if (rest === "_repositories") {
    return reading(() => ({ action: "list-repositories", ...readListing(query) }));
  }
  const listing = /^([^_].*)\/_(namespaces|revisions|uploads|pulls)$/.exec(rest);
  if (listing !== null) return findListing(listing[2]!, listing[1]!, query);
  const tag = /^([^_].*)\/_tags\/([^/]+)\/(history|restore)$/.exec(rest);
  if (tag === null) return undefined;
  const [, name = "", text = "", verb] = tag;
  if (verb === "history") {
    return reading(() => ({
      action: "list-tag-history",
      repository: parseRepositoryName(name),
      reference: { kind: "tag", tag: readTag(text) },
      ...readListing(query),
    }));
  }
  return {
    methods: ["POST"],
    read: () => ({
      action: "restore-tag",
      repository: parseRepositoryName(name),
      reference: { kind: "tag", tag: readTag(text) },
      tags: [readTag(text)],
      digest: parseDigest(queryValue(query, "digest") ?? ""),
    }),
  };
}

function findOriginals(path: string, query: string): ExtensionRoute | undefined {
  switch (path) {
    case "/v2/_angos/repositories/list":
      return reading(() => ({ action: "list-repositories", ...readListing(query) }));
    case "/v2/_angos/namespaces/list":
      return findListing("namespaces", queryValue(query, "repository") ?? "", query);
  }
  const listing = /^\/v2\/([^_].*)\/_angos\/(revisions|uploads|pulls)\/list$/.exec(path);
  return listing === null ? undefined : findListing(listing[2]!, listing[1]!, query);
}

function findListing(kind: string, name: string, query: string): ExtensionRoute | undefined {
  const repository = () => parseRepositoryName(name);
  switch (kind) {
    case "namespaces":
      return reading(() => ({ action: "list-namespaces", repository: repository(), ...readListing(query) }));
    case "revisions":
      return reading(() => ({ action: "list-revisions", repository: repository(), ...readListing(query) }));
    case "uploads":
      return reading(() => ({ action: "list-uploads", repository: repository(), ...readListing(query) }));
    case "pulls":
      return reading(() => ({
        action: "list-pulls",
        repository: repository(),
        reference: readPulledReference(query),
      }));
    default:
      return undefined;
  }
}

function reading(read: () => Operation): ExtensionRoute {
  return { methods: READ, read };
}

function readPulledReference(query: string) {
  const [tag, digest] = [queryValue(query, "tag"), queryValue(query, "digest")];
  if ((tag === undefined) === (digest === undefined)) {
    throw new OciError("REQUEST_INVALID", {
      message: "Cannot list pulls: say of what, by ?tag= or by ?digest=",
    });
  }
  return tag !== undefined
    ? { kind: "tag", tag: parseTag(tag) } as const
    : { kind: "digest", digest: parseDigest(digest!) } as const;
}

function readTag(raw: string) {
  return parseTag(decodeSegment(raw) ?? raw);
}
