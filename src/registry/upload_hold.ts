/** Holding an upload session: one request at a time may append, and a spoiled session leaves nothing behind. */
import type { DigestAlgorithm } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { UploadWriter } from "../ports/blob_store.ts";
import type { UploadSession } from "../ports/metadata_store.ts";
import type { Registry } from "./registry.ts";

/** Between two tries to take a session that another request holds; ms. */
const RETRY_AFTER = 25;

/** An upload session as a request names it. */
export interface UploadName {
  readonly repository: RepositoryName;
  readonly id: UploadSessionId;
  /** Who asks. */
  readonly owner: string;
}

export interface UploadHold {
  /** As it is while it is held: with a file, unless the whole blob is gathered. */
  readonly session: UploadSession;
  readonly writer: UploadWriter;
  /** Set before throwing when the session cannot be continued; it is then cancelled and its bytes are removed. */
  spoiled: boolean;
}

/**
 * Runs `work` with the sole right to append to the session, and gives the right back whatever happens:
 * the bytes that arrived stay, unless the session is spoiled.
 *
 * A small blob that comes as a whole is gathered without that right, and what came of it is dropped when the rest does not come:
 * the transaction that ends the session decides which request was the first.
 *
 * @param whole bytes of the blob where the request brings all of them and nobody reads along
 * @throws {OciError} BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID (409) when another request keeps the session
 */
export async function holdUpload<T>(
  registry: Registry,
  session: UploadSession,
  algorithm: DigestAlgorithm,
  work: (hold: UploadHold) => Promise<T>,
  whole?: number,
): Promise<T> {
  const gathering = session.hasFile || whole === undefined ? undefined : registry.blobs.gatherUpload(whole);
  const writer = gathering ?? await takeWriter(registry, session, algorithm);
  const hold: UploadHold = {
    session: { ...session, hasFile: gathering === undefined },
    writer,
    spoiled: false,
  };
  let result: T;
  try {
    if (gathering === undefined) await confirm(registry, session);
    result = await work(hold);
  } catch (fault) {
    await giveUp(registry, hold);
    throw fault;
  }
  await writer.close();
  return result;
}

/** @throws {OciError} BLOB_UPLOAD_UNKNOWN, also for a session of another repository or of another owner */
export async function findUpload(
  registry: Registry,
  { repository, id, owner }: UploadName,
): Promise<UploadSession> {
  const session = await registry.metadata.findUpload(repository, id);
  if (session?.owner !== owner) throw uploadUnknown(repository, id);
  return session;
}

/** Whoever had the right before may have finished or cancelled the session. */
async function confirm(registry: Registry, session: UploadSession): Promise<void> {
  if (session.hasFile) {
    await findUpload(registry, session);
    return;
  }
  if (await registry.metadata.noteUploadFile(session.repository, session.id)) return;
  // Its file was made for nothing, if not by this request.
  await registry.blobs.removeUpload(session.id);
  throw uploadUnknown(session.repository, session.id);
}

/** What a client reads that names an upload session which is not there. */
export function uploadUnknown(repository: RepositoryName, id: UploadSessionId): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", {
    message: `Repository "${repository}" has no upload session "${id}": it is finished, cancelled or expired`,
  });
}

/** What a client reads whose session another request writes to. */
export function uploadBusy(id: UploadSessionId): OciError {
  return new OciError("BLOB_UPLOAD_INVALID", {
    status: 409,
    message:
      `Cannot write to upload session "${id}": another request is writing to it, try again when it has ended`,
  });
}

async function takeWriter(
  registry: Registry,
  { id, hasFile }: UploadSession,
  algorithm: DigestAlgorithm,
): Promise<UploadWriter> {
  if (!hasFile) await registry.blobs.createUpload(id);
  // The request of a client that was cut may need a moment to end before the same client can resume.
  for (let waited = 0;; waited += RETRY_AFTER) {
    const writer = await registry.blobs.openUpload(id, algorithm);
    if (writer !== undefined) return writer;
    if (waited >= registry.settings.busySessionPatience) {
      throw uploadBusy(id);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER));
  }
}

/** Ends a hold whose work failed. What goes wrong here is logged only: the caller has a fault to report already. */
async function giveUp(registry: Registry, hold: UploadHold): Promise<void> {
  const { session, writer, spoiled } = hold;
  try {
    if (spoiled) await registry.metadata.cancelUpload(session.repository, session.id);
  } catch (error) {
    registry.log.warn("a spoiled upload session stays until it expires", { session: session.id, error });
  }
  try {
    await writer.close();
    if (spoiled) await registry.blobs.removeUpload(session.id);
  } catch (error) {
    registry.log.warn("an upload session could not be put away", { session: session.id, error });
  }
}
