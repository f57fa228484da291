/**
 * Entry of a hash thread: it hashes large uploads while the HTTP threads receive what follows, and for all of them, so that
 * it does not matter which of them the next request of an upload comes to.
 */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { SessionHash } from "../../ports/hasher.ts";
import { LocalSessionHashes } from "../../storage/session_hashes.ts";
import { answerCalls, type ServeCalls } from "./port_calls.ts";

/** `hash` is a number that the asking thread chose for what it takes out. */
export type HashQuestion =
  | {
    readonly kind: "take";
    readonly hash: number;
    readonly session: UploadSessionId;
    readonly algorithm: DigestAlgorithm;
    readonly fileSize: number;
  }
  | { readonly kind: "update"; readonly hash: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "digest"; readonly hash: number }
  | {
    readonly kind: "keep";
    readonly hash: number;
    readonly session: UploadSessionId;
    readonly offset: number;
  }
  | { readonly kind: "end"; readonly hash: number }
  | { readonly kind: "forget"; readonly session: UploadSessionId };

/** The bytes of an update, the digest, the offset of what was taken out. */
export type HashAnswer = Uint8Array<ArrayBuffer> | Digest | number | undefined;

const thread = self as unknown as { onmessage: (event: MessageEvent) => void };

const kept = new LocalSessionHashes();

thread.onmessage = ({ data }: MessageEvent<ServeCalls>) => {
  const taken = new Map<number, SessionHash>();
  const find = (hash: number): SessionHash => {
    const found = taken.get(hash);
    if (found === undefined) throw new Error(`hash ${hash} is not taken out`);
    return found;
  };
  answerCalls<HashQuestion, HashAnswer>(
    data.port,
    async (question) => {
      switch (question.kind) {
        case "take": {
          const found = await kept.take(question.session, question.algorithm, question.fileSize);
          taken.set(question.hash, found);
          return found.offset;
        }
        case "update":
          return await find(question.hash).hash.update(question.bytes);
        case "digest":
          return await find(question.hash).hash.digest();
        case "keep":
          await kept.keep(question.session, { ...find(question.hash), offset: question.offset });
          taken.delete(question.hash);
          return undefined;
        case "end":
          taken.delete(question.hash);
          return undefined;
        case "forget":
          kept.forget(question.session);
          return undefined;
      }
    },
    // The buffer goes back to where it came from.
    (answer) => answer instanceof Uint8Array ? [answer.buffer] : [],
  );
};
