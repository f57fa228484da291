/** Reads a manifest out of an upstream's answer: its type, its bytes, and whether they are what the headers say. */
import { createHash } from "node:crypto";
import { algorithmOf, type Digest, type DigestAlgorithm, isDigest, makeDigest } from "../core/digest.ts";
import { findMembers, kindAt, memberNames, rootOf, stringAt } from "../core/json_view.ts";
import { MANIFEST_TYPES } from "../core/manifest.ts";
import { isMediaType, type MediaType } from "../core/media_type.ts";
import type { Reference } from "../core/reference.ts";
import { checkStrictJson } from "../core/strict_json.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { UpstreamManifest } from "../ports/upstream.ts";
import type { Answer } from "./exchange.ts";

export const ACCEPTED_MANIFESTS = MANIFEST_TYPES.join(", ");

const TYPE = memberNames("mediaType");

/** The type that the answer says, without parameters; undefined where that is none of a manifest. */
export function manifestTypeOf({ header }: Answer): MediaType | undefined {
  const type = (header("content-type") ?? "").replace(/;.*/s, "").trim();
  return MANIFEST_TYPES.find((known) => known === type);
}

/** The digest that the answer says; undefined where it says none that can be checked. */
export function statedDigest({ header }: Answer): Digest | undefined {
  const digest = header("docker-content-digest");
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}

/**
 * @param host for messages
 * @param limit bytes
 * @throws {UpstreamFault} when the bytes are not those that were asked for, or not those that the answer's headers name
 */
export async function readManifestAnswer(
  answer: Answer,
  host: string,
  asked: Reference,
  limit: number,
): Promise<UpstreamManifest> {
  const bytes = await answer.body.readWhole(limit, "a manifest");
  const wanted = asked.kind === "digest" ? asked.digest : statedDigest(answer);
  const digest = digestOf(bytes, wanted === undefined ? "sha256" : algorithmOf(wanted));
  if (wanted !== undefined && digest !== wanted) {
    throw new UpstreamFault("broken", `"${host}" sends a manifest with digest ${digest} as ${wanted}`);
  }
  const mediaType = manifestTypeOf(answer) ?? typeInManifest(bytes);
  if (mediaType !== undefined) return { digest, mediaType, bytes };
  throw new UpstreamFault(
    "broken",
    `"${host}" sends something that does not say which type of manifest it is (Content-Type ${
      JSON.stringify(answer.header("content-type") ?? "")
    })`,
  );
}

/** Some servers of plain files send every manifest as text or as octets. */
function typeInManifest(bytes: Uint8Array): MediaType | undefined {
  try {
    checkStrictJson(bytes);
    const root = rootOf(bytes);
    if (kindAt(bytes, root) !== "object") return undefined;
    const { mediaType } = findMembers(bytes, root, TYPE);
    const type = mediaType === undefined ? undefined : stringAt(bytes, mediaType);
    return type !== undefined && isMediaType(type) ? type : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest {
  return makeDigest(algorithm, createHash(algorithm).update(bytes).digest("hex"));
}
