/** Takes a bundle over: its signature first, where one is demanded, then what it needs of earlier ones, then its content. */
import type { Digest } from "../core/digest.ts";
import type { ArchiveReader } from "../ports/archive.ts";
import type { Registry } from "../registry/registry.ts";
import type { BundleContents, EarlierBundle } from "./bundle_contents.ts";
import { SIGNATURE_FILE } from "./bundle_format.ts";
import { readBundleContents, readBundleIndex } from "./bundle_index.ts";
import type { NameRules } from "./bundle_names.ts";
import { BundleSource } from "./bundle_source.ts";
import { type Import, importContent } from "./import_content.ts";
import type { ImportReport } from "./import_report.ts";

/** Missing blobs that are named of each earlier bundle. */
const MOST_NAMED = 100;

/** Bytes of an ed25519 signature (RFC 8032). */
const SIGNATURE_SIZE = 64;

export interface BundleImport extends Omit<Import, "source"> {
  readonly archive: ArchiveReader;
  readonly names: NameRules;
  /** Demands a signature. */
  readonly verify?: (index: Uint8Array, signature: Uint8Array) => boolean;
}

export interface BundleImportReport extends ImportReport {
  /** Digest of its index: its name among bundles. */
  readonly bundle: Digest;
  readonly signature: "verified" | "not checked" | "none";
  /** Earlier bundles of which something is missing here. */
  readonly waits_for: readonly MissingBundle[];
}

export interface MissingBundle extends EarlierBundle {
  /** How many blobs of it are missing. */
  readonly blobs: number;
  /** 100 of them at most. */
  readonly digests: readonly Digest[];
}

/** @throws {Error} when it is no bundle, or not signed as demanded; nothing was changed then */
export async function importBundle(work: BundleImport): Promise<BundleImportReport> {
  const { archive, registry, verify } = work;
  const index = await readBundleIndex(archive, registry.hasher);
  const signature = await archive.readBytes(SIGNATURE_FILE, SIGNATURE_SIZE);
  if (verify !== undefined) {
    if (signature === undefined) throw new Error("it is not signed, and a signature is demanded");
    if (!verify(index.bytes, signature)) {
      throw new Error("its signature is not of this key, or its index was changed after it was signed");
    }
  }
  const contents = await readBundleContents(archive, index, registry.hasher);
  const waitsFor = contents === undefined ? [] : await findMissing(registry, contents);
  const source = new BundleSource(archive, index, contents, work.names);
  const report = await importContent({ ...work, source });
  return {
    ...report,
    bundle: index.id,
    signature: verify !== undefined ? "verified" : signature === undefined ? "none" : "not checked",
    waits_for: waitsFor,
  };
}

/** What the bundle left out because an earlier one has it, and that is not here. */
async function findMissing(
  { metadata }: Registry,
  { earlier, blobs }: BundleContents,
): Promise<MissingBundle[]> {
  const missing = new Map<EarlierBundle, Digest[]>();
  for (const [digest, { in: holder }] of blobs) {
    if (holder === undefined || (await metadata.listHolders(digest, 1)).length > 0) continue;
    const digests = missing.get(holder);
    if (digests === undefined) missing.set(holder, [digest]);
    else digests.push(digest);
  }
  return earlier.flatMap((bundle) => {
    const digests = missing.get(bundle);
    return digests === undefined
      ? []
      : [{ ...bundle, blobs: digests.length, digests: digests.slice(0, MOST_NAMED) }];
  });
}
