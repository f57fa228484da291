/** Downloads of mirrors that a stop or a crash has cut: nobody can go on with them. */
import { OWNER } from "./copy_from_upstream.ts";
import type { Registry } from "./registry.ts";

/** Upload sessions looked at in one step. */
const STEP = 500;

/**
 * Ends the sessions of downloads that began before this moment, in a process in which none can be under way. Gives how many.
 * What goes wrong is left to the expiry of sessions.
 */
export async function dropCutDownloads({ metadata, blobs, clock, log }: Registry): Promise<number> {
  const before = clock.now();
  let dropped = 0;
  try {
    for (let step = await metadata.listUploads(before, { limit: STEP }); step.length > 0;) {
      for (const { id, repository, owner } of step) {
        if (owner !== OWNER || !await metadata.cancelUpload(repository, id)) continue;
        await blobs.removeUpload(id);
        dropped++;
      }
      step = await metadata.listUploads(before, { after: step.at(-1)!.id, limit: STEP });
    }
  } catch (error) {
    log.warn("what is left of cut downloads stays until its upload sessions expire", { error });
  }
  if (dropped > 0) log.info("removed what was left of cut downloads", { count: dropped });
  return dropped;
}
