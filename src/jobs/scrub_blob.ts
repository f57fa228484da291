/** Looks at the bytes of one blob, in its file or in the database, and puts damaged ones aside. */
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import type { BlobRecord } from "../ports/scrub_store.ts";
import type { ScrubWork } from "./scrub_work.ts";
import type { Finding, FindingKind } from "./scrub_report.ts";

const PUSH_AGAIN = "Push the blob to one of its repositories again, which heals it for all of them.";

const ANSWERED = "the blob is answered 404 until it is pushed again";

/** For a look that is paced by nobody. */
const ignore = () => Promise.resolve();

interface Fault {
  readonly kind: FindingKind;
  readonly fault: string;
}

/**
 * Reads a blob and says what is wrong with it; undefined for a sound one, and for one that is gone or sound when the
 * row is looked up again.
 *
 * @param onRead told the bytes of each piece that was read
 */
export async function checkBlob(
  work: ScrubWork,
  record: BlobRecord,
  onRead: (bytes: number) => Promise<void>,
): Promise<Finding | undefined> {
  for (let current = record;;) {
    const fault = await findFault(work, current, onRead);
    if (fault === undefined) return undefined;
    // A delete takes the row away before the file, a push changes the row before the former file goes.
    const again = await work.store.findBlob(current.digest);
    if (again === undefined) return undefined;
    if (again.file === current.file) return await describe(work, current, fault);
    current = again;
  }
}

/** Takes the blob out of the answers and its file to the quarantine, where the scrub may; gives the finding with what was done. */
export async function repairBlob(work: ScrubWork, finding: Finding): Promise<Finding> {
  const { withdrawals, store, files, areRemovalsHeld } = work;
  const record = withdrawals && await store.findBlob(finding.digest!);
  if (record === undefined || files.isWithdrawn(record.file)) return finding;
  if (finding.path === undefined) return await repairSmallBlob(work, finding, record);
  if (files.pathOfBlob(record.file) !== finding.path) return finding;
  // The row before the file, as for every removal; with the first the blob is answered 404.
  if (!await withdrawals!.withdrawBlob(record.digest, record.file)) return finding;
  const withdrawn = { ...finding, advice: PUSH_AGAIN };
  if (finding.kind === "missing") return { ...withdrawn, repair: `Noted: ${ANSWERED}.` };
  if (areRemovalsHeld()) {
    return {
      ...finding,
      repair: `Its file stays until the backup that is being made has ended; ${ANSWERED}.`,
    };
  }
  const moved = await files.quarantine(finding.path, noteOn(finding));
  return { ...withdrawn, repair: `Its file lies at ${moved ?? "no place any more"}; ${ANSWERED}.` };
}

/** The bytes go with the row, so they are put aside before it is changed. */
async function repairSmallBlob(work: ScrubWork, finding: Finding, record: BlobRecord): Promise<Finding> {
  const { withdrawals, store, files } = work;
  const { digest, file } = record;
  // Pushed again since.
  if (await findFault(work, record, ignore) === undefined) return finding;
  const bytes = await store.readSmallBlob(digest);
  const path = bytes && await files.quarantineBytes(`${hexOf(digest)}.blob`, bytes, noteOn(finding));
  if (!await withdrawals!.withdrawBlob(digest, file)) return finding;
  const withdrawn = { ...finding, advice: PUSH_AGAIN };
  if (path === undefined) return { ...withdrawn, repair: `Noted: ${ANSWERED}.` };
  return { ...withdrawn, repair: `Its bytes lie at ${path}; ${ANSWERED}.` };
}

/** True when a blob of which something was found is gone, or was pushed again since. */
export async function isBlobMended(work: ScrubWork, { digest, path }: Finding): Promise<boolean> {
  const record = await work.store.findBlob(digest!);
  if (record === undefined) return true;
  if (path !== undefined) return work.files.pathOfBlob(record.file) !== path;
  return await findFault(work, record, ignore) === undefined;
}

/** What a file in quarantine is, for whoever comes upon it. */
export function noteOn({ kind, subject, fault, path, repositories, manifests, advice }: Finding): string {
  return [
    `${kind}: ${subject} ${fault}`,
    ...(path === undefined ? [] : [`It was at ${path}.`]),
    ...(repositories.length > 0 ? [`In ${repositories.join(", ")}.`] : []),
    ...(manifests.length > 0 ? [`Needed by ${manifests.join(", ")}.`] : []),
    advice,
    "Put aside by simple-registry scrub --repair. Nothing needs this file; remove it when you like.",
    "",
  ].join("\n");
}

async function findFault(
  { store, files, hasher, signal }: ScrubWork,
  { digest, size, file }: BlobRecord,
  onRead: (bytes: number) => Promise<void>,
): Promise<Fault | undefined> {
  if (files.isWithdrawn(file)) {
    return {
      kind: "missing",
      fault: "has been put into quarantine, or was missing, and was not pushed again since",
    };
  }
  if (files.isInDatabase(file)) {
    const bytes = await store.readSmallBlob(digest);
    if (bytes === undefined) return { kind: "missing", fault: "has no bytes in the database" };
    if (bytes.length !== size) return wrongSize(bytes.length, size);
    await onRead(size);
    return wrongDigest(hasher.digestOf(bytes, algorithmOf(digest)), digest);
  }
  try {
    const actual = await files.sizeOf(file);
    if (actual === undefined) return { kind: "missing", fault: "has no file" };
    if (actual !== size) return wrongSize(actual, size);
    const found = await files.hash(file, digest, onRead);
    if (found === undefined) return { kind: "missing", fault: "has no file" };
    return wrongDigest(found, digest);
  } catch (error) {
    // Other errors say nothing of the file: no descriptor may be free, or no right to read it.
    if (signal.aborted || !isBrokenDisk(error)) throw error;
    return { kind: "damaged", fault: `cannot be read: ${(error as Error).message}` };
  }
}

function wrongSize(actual: number, size: number): Fault {
  return { kind: "truncated", fault: `has ${actual} bytes, expected ${size}` };
}

function wrongDigest(found: Digest, digest: Digest): Fault | undefined {
  return found === digest ? undefined : { kind: "damaged", fault: `has bytes with the digest ${found}` };
}

async function describe(
  { store, files }: ScrubWork,
  { digest, file }: BlobRecord,
  { kind, fault }: Fault,
): Promise<Finding> {
  return {
    kind,
    subject: `blob ${digest}`,
    digest,
    ...(!files.isInDatabase(file) && { path: files.pathOfBlob(file) }),
    ...await store.listBlobUsers(digest),
    fault,
    advice: kind === "missing" ? PUSH_AGAIN : `Run scrub --repair. ${PUSH_AGAIN}`,
  };
}

/** EIO: the medium could not give the bytes. */
function isBrokenDisk(error: unknown): boolean {
  const { code, message = "" } = (error ?? {}) as { code?: string; message?: string };
  return code === "EIO" || /os error 5\b/.test(message);
}
