/** The operations that `policy test` is asked about: one by its action, or all that a client's push or pull makes. */
import { type Digest, makeDigest, parseDigest } from "../../core/digest.ts";
import { OciError } from "../../core/oci_error.ts";
import type { Action, Operation } from "../../core/operation.ts";
import { parseReference, type Reference } from "../../core/reference.ts";
import { parseRepositoryName, type RepositoryName } from "../../core/repository_name.ts";
import { parseTag } from "../../core/tag.ts";
import { parseUploadSessionId, type UploadSessionId } from "../../core/upload_session_id.ts";
import type { Options } from "../options.ts";
import { UsageError } from "../usage.ts";

/** Stand for a blob and a session whose names do not matter. */
const SOME_DIGEST = makeDigest("sha256", "0".repeat(64));
const SOME_SESSION = "00000000-0000-4000-8000-000000000000" as UploadSessionId;

export interface AssumedOperation {
  readonly operation: Operation;
  /** True where clients go on without it: a refused HEAD of a blob looks like a missing one, a refused mount is an upload. */
  readonly optional: boolean;
}

/**
 * Reads `--action` with `--repository`, `--reference`, `--tags`, `--digest`, `--from` and `--session-id`, or
 * `--as-if-request`.
 *
 * @throws {UsageError} for what is missing, and for names, references and digests that do not parse
 */
export function assumeOperations(options: Options): AssumedOperation[] {
  try {
    return askedOperations(options);
  } catch (error) {
    // A refusal of the policies is something else, and has another exit code.
    throw error instanceof OciError ? new UsageError(error.message) : error;
  }
}

function askedOperations(options: Options): AssumedOperation[] {
  const [action, request] = [options.get("action"), options.get("as-if-request")];
  if ((action === undefined) === (request === undefined)) {
    throw new UsageError("say what is asked: --action NAME, or --as-if-request 'docker push NAME:TAG'");
  }
  if (request === undefined) {
    return [{ operation: readOperation(action as Action, options), optional: false }];
  }
  return requestsOf(request);
}

function readOperation(action: Action, options: Options): Operation {
  const repository = () => parseRepositoryName(required(options, "repository", action));
  const reference = () => parseReference(required(options, "reference", action));
  const digest = () => parseDigest(options.get("digest") ?? SOME_DIGEST);
  switch (action) {
    case "get-api-version":
    case "get-token":
    case "metrics":
    case "list-catalog":
    case "list-repositories":
      return { action };
    case "list-tags":
    case "list-namespaces":
    case "list-revisions":
    case "list-uploads":
      return { action, repository: repository() };
    case "get-manifest":
    case "delete-manifest":
    case "list-pulls":
      return { action, repository: repository(), reference: reference() };
    case "list-tag-history":
      return { action, repository: repository(), reference: tagOf(reference(), action) };
    case "restore-tag": {
      const named = tagOf(reference(), action);
      return { action, repository: repository(), reference: named, tags: [named.tag], digest: digest() };
    }
    case "put-manifest":
      return {
        action,
        repository: repository(),
        reference: reference(),
        tags: readTags(options, reference()),
      };
    case "get-referrers":
    case "get-blob":
    case "delete-blob":
      return { action, repository: repository(), digest: digest() };
    case "start-upload":
      return { action, repository: repository(), ...(options.has("digest") && { digest: digest() }) };
    case "mount-blob": {
      const from = options.get("from");
      return {
        action,
        repository: repository(),
        digest: digest(),
        ...(from !== undefined && { from: parseRepositoryName(from) }),
      };
    }
    case "get-upload":
    case "update-upload":
    case "cancel-upload":
      return { action, repository: repository(), sessionId: readSession(options) };
    case "complete-upload":
      return { action, repository: repository(), sessionId: readSession(options), digest: digest() };
    default:
      throw new UsageError(`unknown action ${JSON.stringify(action satisfies never)}`);
  }
}

function required(options: Options, name: string, action: string): string {
  const value = options.get(name);
  if (value === undefined) throw new UsageError(`action ${action} needs --${name}`);
  return value;
}

function tagOf(reference: Reference, action: string): Extract<Reference, { readonly kind: "tag" }> {
  if (reference.kind === "tag") return reference;
  throw new UsageError(`action ${action} needs a tag for --reference`);
}

function readTags(options: Options, reference: Reference) {
  const named = options.get("tags")?.split(",").map(parseTag) ?? [];
  return reference.kind === "tag" ? [reference.tag] : named;
}

function readSession(options: Options): UploadSessionId {
  return parseUploadSessionId(options.get("session-id") ?? "") ?? SOME_SESSION;
}

/** What a client's command asks of the registry, in order. */
function requestsOf(command: string): AssumedOperation[] {
  const [, verb, name] = command.trim().split(/\s+/);
  if ((verb !== "push" && verb !== "pull") || name === undefined) {
    throw new UsageError(
      `cannot read ${JSON.stringify(command)}: expected 'docker push NAME:TAG' or 'docker pull NAME:TAG'`,
    );
  }
  const { repository, reference } = splitImageReference(name);
  const digest: Digest = SOME_DIGEST;
  if (verb === "pull") {
    return [
      { operation: { action: "get-api-version" }, optional: false },
      { operation: { action: "get-manifest", repository, reference }, optional: false },
      { operation: { action: "get-blob", repository, digest }, optional: false },
    ];
  }
  const tags = reference.kind === "tag" ? [reference.tag] : [];
  return [
    { operation: { action: "get-api-version" }, optional: false },
    { operation: { action: "get-blob", repository, digest }, optional: true },
    { operation: { action: "mount-blob", repository, digest }, optional: true },
    { operation: { action: "start-upload", repository }, optional: false },
    { operation: { action: "update-upload", repository, sessionId: SOME_SESSION }, optional: false },
    {
      operation: { action: "complete-upload", repository, sessionId: SOME_SESSION, digest },
      optional: false,
    },
    { operation: { action: "get-manifest", repository, reference }, optional: false },
    { operation: { action: "put-manifest", repository, reference, tags }, optional: false },
  ];
}

/** `[HOST/]NAME[:TAG|@DIGEST]` as docker reads it: the first component is a host when it holds a dot or a colon. */
function splitImageReference(text: string): { repository: RepositoryName; reference: Reference } {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const rest = /[.:]/.test(first) || first === "localhost" ? text.slice(slash + 1) : text;
  const at = rest.indexOf("@");
  if (at >= 0) {
    return {
      repository: parseRepositoryName(rest.slice(0, at).split(":")[0]!),
      reference: parseReference(rest.slice(at + 1)),
    };
  }
  const [name = "", tag = "latest"] = rest.split(":");
  return { repository: parseRepositoryName(name), reference: { kind: "tag", tag: parseTag(tag) } };
}
