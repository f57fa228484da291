/** A blob that goes up piece by piece, over restarts of the registry. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { type ExpectedContent, withBlob } from "./expected_content.ts";
import { CHANGE_HEADER, pathOf, send } from "./send_request.ts";

/** Bytes of the blob, by which others know it. */
export const SIZE_IN_PIECES = 500_000;
const PIECE = 100_000;

interface Session {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Path and query. */
  readonly location: string;
  /** Bytes that the registry said it has. */
  acknowledged: number;
  /** Bytes that were sent, answered or not. */
  sent: number;
  /** When it was asked for that this becomes a blob; ms of `performance.now()`. */
  finishedAt?: number;
}

export class UploadInPieces {
  readonly #expected: ExpectedContent;
  #session: Session | undefined;
  #acknowledged = 0;

  /** @param expected where the blob is noted when it is complete */
  constructor(expected: ExpectedContent) {
    this.#expected = expected;
  }

  /** Answered pieces. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Sends the next piece, or what makes the blob complete. @param base URL of the repository */
  async append(base: string): Promise<void> {
    const session = this.#session ??= await begin(base);
    if (session.acknowledged === SIZE_IN_PIECES) return await this.finish(base);
    const piece = session.bytes.slice(session.acknowledged, session.acknowledged + PIECE);
    session.sent = session.acknowledged + piece.length;
    await send([202], "PATCH", new URL(session.location, base).href, piece, {
      "content-range": `${session.acknowledged}-${session.sent - 1}`,
      "content-type": "application/octet-stream",
    });
    session.acknowledged = session.sent;
    this.#acknowledged++;
  }

  /** Sends what is left, where an upload is under way. */
  async finish(base: string): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const { bytes, digest, location, acknowledged } = session;
    const change = this.#expected.begin(withBlob(digest, SIZE_IN_PIECES));
    const url = new URL(location, base);
    url.searchParams.set("digest", digest);
    const rest = bytes.slice(acknowledged);
    session.sent = SIZE_IN_PIECES;
    session.finishedAt = performance.now();
    await send([201], "PUT", url.href, rest, {
      "content-type": "application/octet-stream",
      [CHANGE_HEADER]: `${change}`,
      ...(rest.length > 0 && { "content-range": `${acknowledged}-${SIZE_IN_PIECES - 1}` }),
    });
    this.#expected.acknowledge();
    this.#session = undefined;
  }

  /**
   * Every byte that was acknowledged is there, or the blob is; to be called when the blobs are known again.
   *
   * @param at gives until when something may have been collected by now, in ms of `performance.now()`
   */
  async check(base: string, at: () => number): Promise<void> {
    if (this.#session === undefined) return;
    const { digest, location, acknowledged, sent, finishedAt = Infinity } = this.#session;
    if (this.#expected.sure.blobs.has(digest)) {
      await send([404], "GET", new URL(location, base).href);
      this.#session = undefined;
      return;
    }
    // It became a blob that no manifest names, which was collected before anybody asked.
    const status = await send([204, 404], "GET", new URL(location, base).href);
    if (status.status === 404) {
      assert.ok(at() - finishedAt > this.#expected.promiseMs, `the upload ${location} is lost`);
      this.#session = undefined;
      return;
    }
    const range = status.headers.get("range")!;
    // "0-0" is said of no byte and of one byte.
    const offset = range === "0-0" ? 0 : Number(range.slice(2)) + 1;
    assert.ok(
      acknowledged <= offset && offset <= sent,
      `the registry has ${offset} bytes, it had said ${acknowledged}, ${sent} were sent`,
    );
    this.#session.acknowledged = offset;
    delete this.#session.finishedAt;
  }
}

async function begin(base: string): Promise<Session> {
  const bytes = randomBytes(SIZE_IN_PIECES);
  const answer = await send([202], "POST", `${base}/blobs/uploads/`);
  return { bytes, digest: digestOf(bytes), location: pathOf(answer), acknowledged: 0, sent: 0 };
}
