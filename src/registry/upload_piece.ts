/** One piece of a blob on its way into an upload session: its place, its size limits, its bytes. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { UploadWriter } from "../ports/blob_store.ts";
import type { UploadSession } from "../ports/metadata_store.ts";
import { findBlobRoom } from "./quota.ts";
import type { Registry } from "./registry.ts";
import type { UploadHold } from "./upload_hold.ts";

/** Bytes that a request carries. */
export interface UploadPiece {
  /** Bytes announced; undefined where the client did not say. */
  readonly length: number | undefined;
  /** Where the client says that the piece belongs, first and last byte; undefined for "at the end". */
  readonly window: { readonly first: number; readonly last: number } | undefined;
  /** The bytes as they arrive; asked for once, when everything that can be refused before them is settled. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Whoever wants to read along. */
  readonly watch?: UploadWatch;
}

/** Reads what an upload session holds while it is written. */
export interface UploadWatch {
  /** Before the first byte is asked for; what is there of it can be opened. */
  opened(session: UploadSessionId): void;
  /** So many bytes of the session can be read. */
  written(bytes: number): void;
}

/** ms without a further chunk after which those who read along get what was gathered. */
const PAUSE_MS = 20;

/**
 * Appends a piece to a session that is held. Without having read a byte it refuses a piece that is out of order,
 * does not fill its window, or would make the blob too large for the registry or the quota; those spoil the session.
 *
 * @param digest what the client names the whole, where this is the last piece
 * @throws {OciError} SIZE_INVALID (416), BLOB_UPLOAD_INVALID (413), DENIED
 */
export async function appendPiece(
  registry: Registry,
  hold: UploadHold,
  piece: UploadPiece,
  digest?: Digest,
): Promise<void> {
  const { session, writer } = hold;
  const start = writer.offset;
  const expected = expectedLength(session, start, piece);
  const limit = registry.settings.maxBlobSize;
  if (start + (expected ?? 0) > limit) throw tooLarge(registry, hold);
  const room = await findBlobRoom(registry, session.repository, digest);
  if (start + (expected ?? 0) > room.left) throw spoil(hold, room.refuse(start + (expected ?? 0)));
  if (piece.length === 0) return;
  const chunks = piece.watch === undefined ? piece.chunks() : readAlong(piece.chunks(), writer, piece.watch);
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    const end = writer.offset + chunk.length;
    if (expected !== undefined && end - start > expected) throw windowMissed(hold, start, expected, "more");
    if (end > limit) throw tooLarge(registry, hold);
    if (end > room.left) throw spoil(hold, room.refuse(end));
    await writer.append(chunk);
  }
  if (expected !== undefined && writer.offset - start < expected) {
    throw windowMissed(hold, start, expected, "fewer");
  }
}

/** Passes chunks on; in a pause between two of them, what has come is written out for those who read along. */
async function* readAlong(
  chunks: AsyncIterable<Uint8Array>,
  writer: UploadWriter,
  watch: UploadWatch,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    while (true) {
      const next = iterator.next();
      if (writer.written < writer.offset && await isPause(next)) await writer.flush();
      watch.written(writer.written);
      const { done, value } = await next;
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** True when the chunk takes longer than a moment. */
async function isPause(next: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pause = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(true), PAUSE_MS));
  try {
    return await Promise.race([pause, next.then(() => false)]);
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes that must come: those of the window, else those announced. */
function expectedLength(session: UploadSession, offset: number, piece: UploadPiece): number | undefined {
  const { window, length } = piece;
  if (window === undefined) return length;
  if (window.first !== offset) {
    throw outOfPlace(
      session,
      offset,
      `Cannot append to upload session "${session.id}": the piece starts at ${window.first}, expected ${offset}`,
    );
  }
  const size = window.last - window.first + 1;
  if (length !== undefined && length !== size) {
    throw outOfPlace(
      session,
      offset,
      `Cannot append to upload session "${session.id}": Content-Range holds ${size} bytes, Content-Length says ${length}`,
    );
  }
  return size;
}

function windowMissed(hold: UploadHold, start: number, expected: number, how: "more" | "fewer"): OciError {
  // What was written cannot be told from what was meant, so the client has to start over.
  hold.spoiled = true;
  return outOfPlace(
    hold.session,
    start,
    `Cannot append to upload session "${hold.session.id}": the body has ${how} than the ${expected} bytes announced; ` +
      `the session is cancelled, start a new one`,
  );
}

function tooLarge(registry: Registry, hold: UploadHold): OciError {
  return spoil(hold, blobTooLarge(registry));
}

function spoil(hold: UploadHold, refusal: OciError): OciError {
  hold.spoiled = true;
  return refusal;
}

/** What a client reads whose blob is larger than the limit. */
export function blobTooLarge(registry: Registry): OciError {
  return new OciError("BLOB_UPLOAD_INVALID", {
    status: 413,
    message: `Cannot upload blob: it is larger than ${registry.settings.maxBlobSize} bytes, the limit here`,
  });
}

/** The refusal that tells the true offset (distribution-spec "Pushing a blob in chunks"). */
function outOfPlace(session: UploadSession, offset: number, message: string): OciError {
  return new OciError("SIZE_INVALID", {
    status: 416,
    message,
    detail: { offset },
    headers: {
      location: `/v2/${session.repository}/blobs/uploads/${session.id}`,
      range: formatReceived(offset),
    },
  });
}

/** Bytes received so far in the form of the spec's `Range`: inclusive, so that 0 and 1 byte look alike. */
export function formatReceived(offset: number): string {
  return `0-${Math.max(0, offset - 1)}`;
}
