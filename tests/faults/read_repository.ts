/** Reads a repository back: which tags, manifests and blobs are there, and that they hash right. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { digestOf } from "../model/bytes.ts";
import type { FoundContent } from "./expected_content.ts";
import { OCI_MANIFEST } from "./numbered_manifest.ts";
import { send } from "./send_request.ts";

/**
 * Every tag must name a manifest that is there, every manifest name blobs that are there, and all of them hash right.
 *
 * @param base URL of the repository, ".../v2/NAME"
 * @param worthAsking what to look for, beside what is found on the way
 */
export async function readRepository(
  base: string,
  worthAsking: { readonly manifests: ReadonlySet<Digest>; readonly blobs: ReadonlySet<Digest> },
): Promise<FoundContent> {
  const tags = await readTags(base);
  const manifests = new Set<Digest>();
  const neededBy = new Map<Digest, Digest[]>();
  for (const digest of new Set([...worthAsking.manifests, ...tags.values()])) {
    const answer = await send([200, 404], "GET", `${base}/manifests/${digest}`, undefined, {
      accept: OCI_MANIFEST,
    });
    if (answer.status === 404) continue;
    assert.equal(digestOf(answer.bytes), digest);
    manifests.add(digest);
    const { config, layers } = JSON.parse(new TextDecoder().decode(answer.bytes));
    for (const blob of [config, ...layers]) {
      neededBy.set(blob.digest, [...neededBy.get(blob.digest) ?? [], digest]);
    }
  }
  for (const [tag, digest] of tags) assert.ok(manifests.has(digest), `tag ${tag} names no manifest`);
  const blobs = new Set<Digest>();
  for (const digest of new Set([...worthAsking.blobs, ...neededBy.keys()])) {
    const answer = await send([200, 404], "GET", `${base}/blobs/${digest}`);
    if (answer.status === 200) {
      assert.equal(digestOf(answer.bytes), digest);
      blobs.add(digest);
    } else {
      // Collected just now, after the manifests that needed it.
      for (const manifest of neededBy.get(digest) ?? []) {
        await send([404], "GET", `${base}/manifests/${manifest}`);
        manifests.delete(manifest);
      }
    }
  }
  return { tags, manifests, blobs };
}

async function readTags(base: string): Promise<Map<string, Digest>> {
  // A repository that does not exist yet, or not any more, has none.
  const answer = await send([200, 404], "GET", `${base}/tags/list`);
  if (answer.status === 404) return new Map();
  const names: string[] = JSON.parse(new TextDecoder().decode(answer.bytes)).tags;
  const tags = new Map<string, Digest>();
  for (const name of names) {
    const { headers } = await send([200], "HEAD", `${base}/manifests/${name}`, undefined, {
      accept: OCI_MANIFEST,
    });
    tags.set(name, headers.get("docker-content-digest") as Digest);
  }
  return tags;
}
