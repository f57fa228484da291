/** Looks at the bytes of one manifest, and puts damaged ones aside. */
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import type { ScrubWork } from "./scrub_work.ts";
import { noteOn } from "./scrub_blob.ts";
import type { Finding } from "./scrub_report.ts";

/**
 * Says what is wrong with a manifest's bytes; undefined for a sound or a deleted one.
 *
 * @param onRead told the bytes that were read
 */
export async function checkManifest(
  { store, hasher }: ScrubWork,
  digest: Digest,
  onRead: (bytes: number) => Promise<void>,
): Promise<Finding | undefined> {
  const bytes = await store.readContent(digest);
  if (bytes === undefined) return undefined;
  await onRead(bytes.length);
  const found = hasher.digestOf(bytes, algorithmOf(digest));
  if (found === digest) return undefined;
  const withdrawn = bytes.length === 0;
  return {
    kind: withdrawn ? "missing" : "damaged",
    subject: `manifest ${digest}`,
    digest,
    ...await store.listManifestUsers(digest),
    fault: withdrawn
      ? "has been put into quarantine and was not pushed again since"
      : `has bytes with the digest ${found}`,
    advice: "Push it to one of its repositories again, which heals it for all of them.",
  };
}

/** Takes damaged bytes to the quarantine, where the scrub may; gives the finding with what was done. */
export async function repairManifest(
  { withdrawals, store, files, hasher }: ScrubWork,
  finding: Finding,
): Promise<Finding> {
  const digest = finding.digest!;
  const bytes = withdrawals && await store.readContent(digest);
  if (bytes === undefined || bytes.length === 0) return finding;
  // Pushed again since.
  if (hasher.digestOf(bytes, algorithmOf(digest)) === digest) return finding;
  const path = await files.quarantineBytes(`${hexOf(digest)}.manifest`, bytes, noteOn(finding));
  await withdrawals!.withdrawContent(digest, bytes);
  return {
    ...finding,
    repair: `Its bytes lie at ${path}; the manifest is answered 404 until it is pushed again.`,
  };
}
