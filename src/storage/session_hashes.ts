/** How far upload sessions are hashed, so that what passes through is hashed on the way and not read again. */
import type { DigestAlgorithm } from "../core/digest.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { SessionHash, SessionHashes } from "../ports/hasher.ts";
import { NodeHash } from "./node_hasher.ts";

/** Sessions remembered; a forgotten one is hashed again from its file. */
const MOST_SESSIONS = 4096;

interface Kept extends SessionHash {
  readonly hash: NodeHash;
}

/** Those that this thread works out. */
export class LocalSessionHashes implements SessionHashes {
  readonly #bySession = new Map<UploadSessionId, Kept>();

  async take(session: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): Promise<SessionHash> {
    return this.takeKept(session, algorithm, fileSize) ?? { offset: 0, hash: new NodeHash(algorithm) };
  }

  /** Takes the hash of a session out; undefined where there is none that fits. */
  takeKept(session: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): SessionHash | undefined {
    const kept = this.#bySession.get(session);
    this.#bySession.delete(session);
    return kept?.hash.algorithm === algorithm && kept.offset <= fileSize ? kept : undefined;
  }

  async keep(session: UploadSessionId, taken: SessionHash): Promise<void> {
    this.#bySession.delete(session);
    this.#bySession.set(session, taken as Kept);
    for (const oldest of this.#bySession.keys()) {
      if (this.#bySession.size <= MOST_SESSIONS) break;
      this.#bySession.delete(oldest);
    }
  }

  end(): void {}

  forget(session: UploadSessionId): void {
    this.#bySession.delete(session);
  }
}
