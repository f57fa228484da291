/** Whether the registry can read and write: looked at when somebody asks, and once a second at most. */
import type { BlobStore } from "../ports/blob_store.ts";
import type { Registry } from "./registry.ts";

/** ms for which an answer holds. Anybody may ask, and each look writes to the disk. */
const FRESH = 1000;

/** ms after which a disk that does not answer is a broken one. */
const PATIENCE = 5000;

type Stores = Pick<Registry, "metadata" | "blobs" | "clock" | "log">;

/** The last look of one thread. */
interface Look {
  readonly at: number;
  readonly isReady: Promise<boolean>;
  /** Set until the stores have answered, be it late. */
  pending: boolean;
  /** Why not. */
  reason: string | undefined;
}

const lastLooks = new WeakMap<BlobStore, Look>();

/** True when both stores have made a write durable within the last second. Why they have not is in the log, once. */
export function isReady(stores: Stores): Promise<boolean> {
  const { clock, blobs } = stores;
  const last = lastLooks.get(blobs);
  const age = clock.now() - (last?.at ?? -Infinity);
  const isFresh = age >= 0 && age < FRESH;
  // While the disk hangs, more writes would hang as well.
  if (last !== undefined && (isFresh || last.pending)) return last.isReady;
  const look = lookNow(stores, last?.reason);
  lastLooks.set(blobs, look);
  return look.isReady;
}

function lookNow({ metadata, blobs, clock, log }: Stores, former: string | undefined): Look {
  const writing = Promise.all([metadata.checkReady(), blobs.checkReady()]);
  const look = { at: clock.now(), pending: true, reason: undefined as string | undefined };
  const isReady = within(writing, PATIENCE).then(() => {
    if (former !== undefined) log.info("ready again");
    return true;
  }, (error: Error) => {
    look.reason = error.message;
    if (look.reason !== former) log.error("not ready: cannot read and write", { error });
    return false;
  });
  const settle = () => void (look.pending = false);
  writing.then(settle, settle);
  return Object.assign(look, { isReady });
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the disk has not answered for ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
