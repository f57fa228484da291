/** Keeps what a push has brought while the same push still brings more, however long that takes. */
import { lastWriteOf } from "./last_write.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Garbage, GarbageCursor } from "../ports/garbage.ts";
import type { MetadataStore, UploadSession } from "../ports/metadata_store.ts";
import { letOthersRun } from "../registry/let_others_run.ts";
import type { FirstSeen } from "./first_seen.ts";

/** Sessions looked at between two pauses. */
const PAGE = 100;

export interface KeepSlowPushes {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly garbage: Garbage;
  readonly clock: Clock;
  readonly graceMs: number;
  /** Of the former runs of this job. */
  readonly seen: FirstSeen;
}

/**
 * A client is told early that layers are there and may need days for the last one, so their holds are announced again as
 * long as bytes come in: those that were announced within a grace before an upload began or since, and that are not fresh
 * anyway. Gives how many. To be run several times within a grace.
 */
export async function keepSlowPushes(job: KeepSlowPushes): Promise<number> {
  const { metadata, clock, graceMs } = job;
  const now = clock.now();
  let kept = 0;
  let after: UploadSessionId | undefined;
  job.seen.beginLook();
  while (true) {
    const page = await metadata.listUploads(now - graceMs / 4, { limit: PAGE, ...(after && { after }) });
    for (const session of page) if (await isGoingOn(job, session)) kept += await keepHolds(job, session, now);
    if (page.length < PAGE) return kept;
    after = page.at(-1)!.id;
    await letOthersRun();
  }
}

/** False for an upload that got no bytes for a quarter of the grace. */
async function isGoingOn({ blobs, seen, graceMs }: KeepSlowPushes, session: UploadSession): Promise<boolean> {
  const touchedAt = await lastWriteOf(blobs, session);
  return touchedAt !== undefined && seen.see(`${session.id} ${touchedAt}`) < graceMs / 4;
}

async function keepHolds(
  { metadata, garbage, graceMs }: KeepSlowPushes,
  { repository, startedAt }: UploadSession,
  now: number,
): Promise<number> {
  // A clock that was set back since then must not make what came after it look older than the upload.
  const since = Math.min(startedAt, now) - graceMs;
  let kept = 0;
  let after: GarbageCursor | undefined;
  do {
    const page = await garbage.listUnusedHoldsOf(repository, since, now - graceMs / 8, after);
    await Promise.all(page.found.map(({ digest }) => metadata.announceBlob(repository, digest, now)));
    kept += page.found.length;
    after = page.next;
    await letOthersRun();
  } while (after !== undefined);
  return kept;
}
