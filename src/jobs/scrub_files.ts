/** Looks for files that nobody names: left by a crash, or put there by somebody else. */
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { NamedFile } from "../ports/scrub_store.ts";
import { pause } from "./pace.ts";
import type { ScrubWork } from "./scrub_work.ts";
import { noteOn } from "./scrub_blob.ts";
import type { Finding } from "./scrub_report.ts";

/** Suspects that are looked at again together. */
const MOST_SUSPECTS = 10_000;

interface Suspects {
  blobs: NamedFile[];
  uploads: UploadSessionId[];
  foreign: string[];
}

/**
 * Gives each file that no row names, where the scrub may with it put aside.
 *
 * The row of a file that is replaced or deleted goes before the file does, so every suspect is looked at a second time,
 * some seconds later, and those whose removal a backup has put off are no suspects.
 */
export async function* findFiles(work: ScrubWork): AsyncGenerator<Finding> {
  const { store, files, signal, progress } = work;
  let suspects: Suspects = { blobs: [], uploads: [], foreign: [] };
  let folders = 0;
  for await (const { blobs, uploads, foreign } of files.listFolders()) {
    signal.throwIfAborted();
    const [unknown, sessions] = [
      new Set(await store.listUnknownFiles(blobs)),
      new Set(await store.listUnknownUploads(uploads)),
    ];
    suspects.blobs.push(...blobs.filter(({ file }) => unknown.has(file)));
    suspects.uploads.push(...uploads.filter((id) => sessions.has(id)));
    suspects.foreign.push(...foreign);
    progress({ what: "files", done: ++folders, unit: "items" });
    if (countOf(suspects) < MOST_SUSPECTS) continue;
    yield* lookAgain(work, suspects);
    suspects = { blobs: [], uploads: [], foreign: [] };
  }
  yield* lookAgain(work, suspects);
}

async function* lookAgain(work: ScrubWork, suspects: Suspects): AsyncGenerator<Finding> {
  const { store, files, settleMs, signal, areRemovalsHeld } = work;
  for (const path of suspects.foreign) {
    const finding = await describe(work, path, "has a name that the registry gives to nothing there");
    if (finding !== undefined) yield finding;
  }
  if (suspects.blobs.length + suspects.uploads.length === 0) return;
  await pause(settleMs, signal);
  if (!areRemovalsHeld()) {
    for (const file of await store.listUnknownFiles(suspects.blobs)) {
      const finding = await describe(work, files.pathOfBlob(file), "is named by no blob");
      if (finding !== undefined) yield finding;
    }
  }
  for (const id of await store.listUnknownUploads(suspects.uploads)) {
    const finding = await describe(work, files.pathOfUpload(id), "belongs to no upload session");
    if (finding !== undefined) yield finding;
  }
}

/** undefined when it is gone. */
async function describe(work: ScrubWork, path: string, fault: string): Promise<Finding | undefined> {
  const { files, clock, withdrawals, strayAgeMs } = work;
  const changedAt = await files.changedAt(path);
  if (changedAt === undefined) return undefined;
  const finding: Finding = {
    kind: "stray",
    subject: `file ${path}`,
    path,
    repositories: [],
    manifests: [],
    fault,
    advice: "It takes up room and does no harm. scrub --repair puts it into quarantine.",
  };
  if (withdrawals === undefined) return finding;
  if (clock.now() - changedAt < strayAgeMs) {
    return {
      ...finding,
      advice: "It changed lately, so it was left alone. A later scrub --repair puts it aside.",
    };
  }
  const moved = await files.quarantine(path, noteOn(finding));
  return moved === undefined ? undefined : {
    ...finding,
    advice: "It took up room and did no harm.",
    repair: `It lies at ${moved} now.`,
  };
}

function countOf({ blobs, uploads, foreign }: Suspects): number {
  return blobs.length + uploads.length + foreign.length;
}
