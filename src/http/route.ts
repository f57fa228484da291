/** Routes: from method and target to the operation that is asked for. Reads the path from its end, in linear time. */
import { parseDigest, parseDigestAlgorithm } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import { quote } from "../core/quote.ts";
import { parseReference, type Reference } from "../core/reference.ts";
import { parseRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { parseTag, type Tag } from "../core/tag.ts";
import { parseUploadSessionId } from "../core/upload_session_id.ts";
import { findExtensionRoute } from "./extension_route.ts";
import { methodNotAllowed } from "./method_not_allowed.ts";
import { decodeSegment, queryValue, queryValues, readListing, type Target } from "./target.ts";

/** An operation, or one of the two questions about the program itself. */
export type Route = Operation | { readonly action: "healthz" } | { readonly action: "readyz" };

/** Tags that one push may name (distribution-spec "Pushing Manifests" asks for 10 at least). */
const MOST_TAGS = 100;

const READ = "GET, HEAD";

/**
 * Finds what a request asks for.
 *
 * @throws {OciError} NAME_UNKNOWN (404) for a path that is no endpoint, UNSUPPORTED (405) for a method that the
 * endpoint lacks, and the codes of the names, digests, tags and parameters that do not parse
 */
export function findRoute(method: string, { path, query }: Target): Route {
  switch (path) {
    case "/v2/":
    case "/v2":
      requireRead(method);
      return { action: "get-api-version" };
    case "/v2/_catalog":
      requireRead(method);
      return { action: "list-catalog", ...readListing(query) };
    case "/token":
      requireRead(method);
      return { action: "get-token" };
    case "/metrics":
      requireRead(method);
      return { action: "metrics" };
    case "/healthz":
      requireRead(method);
      return { action: "healthz" };
    case "/readyz":
      requireRead(method);
      return { action: "readyz" };
  }
  const extension = findExtensionRoute(method, path, query);
  if (extension !== undefined) return extension;
  // A name may hold segments that look like markers, so the marker that counts is the last: /v2/<name>/<kind>/<last>.
  const lastAt = path.lastIndexOf("/");
  const kindAt = path.lastIndexOf("/", lastAt - 1);
  if (!path.startsWith("/v2/") || kindAt < 4) throw noEndpoint(path);
  const last = path.slice(lastAt + 1);
  const name = path.slice(4, kindAt);
  switch (path.slice(kindAt + 1, lastAt)) {
    case "manifests":
      return findManifestRoute(method, name, last, query);
    case "blobs":
      return last === "uploads" ? findStartRoute(method, name, query) : findBlobRoute(method, name, last);
    case "uploads": {
      const blobsAt = name.lastIndexOf("/");
      if (blobsAt < 0 || name.slice(blobsAt + 1) !== "blobs") throw noEndpoint(path);
      const repository = name.slice(0, blobsAt);
      return last === ""
        ? findStartRoute(method, repository, query)
        : findSessionRoute(method, repository, last, query);
    }
    case "tags":
      if (last !== "list") throw noEndpoint(path);
      requireRead(method);
      return { action: "list-tags", repository: readName(name), ...readListing(query) };
    case "referrers":
      requireRead(method);
      return findReferrersRoute(name, last, query);
    default:
      throw noEndpoint(path);
  }
}

function findReferrersRoute(name: string, digest: string, query: string): Operation {
  const [artifactType, last] = [queryValue(query, "artifactType"), queryValue(query, "last")];
  return {
    action: "get-referrers",
    repository: readName(name),
    digest: readDigest(digest),
    ...(artifactType !== undefined && { artifactType }),
    ...(last !== undefined && { last }),
  };
}

function findManifestRoute(method: string, name: string, last: string, query: string): Operation {
  switch (method) {
    case "GET":
    case "HEAD": {
      const repository = readName(name);
      return { action: "get-manifest", repository, reference: readPulledReference(last) };
    }
    case "PUT": {
      const repository = readName(name);
      const reference = readReference(last);
      return { action: "put-manifest", repository, reference, tags: readTags(reference, query) };
    }
    case "DELETE":
      return { action: "delete-manifest", repository: readName(name), reference: readReference(last) };
    default:
      throw methodNotAllowed(method, "GET, HEAD, PUT, DELETE");
  }
}

function findBlobRoute(method: string, name: string, last: string): Operation {
  switch (method) {
    case "GET":
    case "HEAD":
      return { action: "get-blob", repository: readName(name), digest: readDigest(last) };
    case "DELETE":
      return { action: "delete-blob", repository: readName(name), digest: readDigest(last) };
    default:
      throw methodNotAllowed(method, "GET, HEAD, DELETE");
  }
}

function findStartRoute(method: string, name: string, query: string): Operation {
  if (method !== "POST") throw methodNotAllowed(method, "POST");
  const repository = readName(name);
  const mount = queryValue(query, "mount");
  if (mount !== undefined) {
    const from = queryValue(query, "from");
    return {
      action: "mount-blob",
      repository,
      digest: parseDigest(mount),
      ...(from !== undefined && from !== "" && { from: parseRepositoryName(from) }),
    };
  }
  const digest = queryValue(query, "digest");
  const algorithm = queryValue(query, "digest-algorithm");
  return {
    action: "start-upload",
    repository,
    ...(digest !== undefined && { digest: parseDigest(digest) }),
    ...(algorithm !== undefined && { digestAlgorithm: parseDigestAlgorithm(algorithm) }),
  };
}

function findSessionRoute(method: string, name: string, last: string, query: string): Operation {
  const action = sessionAction(method);
  const repository = readName(name);
  const sessionId = parseUploadSessionId(decodeSegment(last) ?? "");
  if (sessionId === undefined) {
    throw new OciError("BLOB_UPLOAD_UNKNOWN", {
      message: `Repository "${repository}" has no upload session ${
        quote(last)
      }: use the Location of the last answer`,
    });
  }
  if (action !== "complete-upload") return { action, repository, sessionId };
  const digest = queryValue(query, "digest");
  if (digest === undefined) {
    throw new OciError("DIGEST_INVALID", {
      message: `Cannot complete upload session "${sessionId}": the query parameter "digest" is missing`,
    });
  }
  return { action, repository, sessionId, digest: parseDigest(digest) };
}

function sessionAction(method: string): "get-upload" | "update-upload" | "complete-upload" | "cancel-upload" {
  switch (method) {
    case "GET":
    case "HEAD":
      return "get-upload";
    case "PATCH":
      return "update-upload";
    case "PUT":
      return "complete-upload";
    case "DELETE":
      return "cancel-upload";
    default:
      throw methodNotAllowed(method, "GET, HEAD, PATCH, PUT, DELETE");
  }
}

function readName(raw: string): RepositoryName {
  // Slashes divide the name; decodeSegment lets none come out of an escape.
  const name = decodeSegment(raw);
  if (name === undefined) {
    throw new OciError("NAME_INVALID", {
      message: `Cannot use repository name ${quote(raw)}: its escapes do not decode to letters and digits`,
    });
  }
  return parseRepositoryName(name);
}

/** An undecodable text is handed on as it is: "%" is in no grammar, so it is refused in the words for its place. */
function readReference(raw: string): Reference {
  return parseReference(decodeSegment(raw) ?? raw);
}

/** A reference to pull: no manifest has a tag outside the grammar, so asking for one is asking for what is not there. */
function readPulledReference(raw: string): Reference {
  const text = decodeSegment(raw) ?? raw;
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== "TAG_INVALID") throw error;
    throw new OciError("MANIFEST_UNKNOWN", { message: error.message });
  }
}

function readDigest(raw: string) {
  return parseDigest(decodeSegment(raw) ?? raw);
}

function readTags(reference: Reference, query: string): readonly Tag[] {
  const named = query === "" ? [] : queryValues(query, "tag");
  if (reference.kind === "tag") {
    if (named.length === 0) return [reference.tag];
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot push tag "${reference.tag}" with tag parameters: they go with a push by digest`,
    });
  }
  if (named.length > MOST_TAGS) {
    throw new OciError("REQUEST_INVALID", {
      status: 414,
      message:
        `Cannot push ${named.length} tags at once: at most ${MOST_TAGS} are taken, send the others in further requests`,
    });
  }
  return [...new Set(named.map(parseTag))];
}

function requireRead(method: string): void {
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed(method, READ);
}

/** What a client reads that asks for a path which is no endpoint. */
export function noEndpoint(path: string): OciError {
  return new OciError("NAME_UNKNOWN", { message: `There is no endpoint ${quote(path)}` });
}
