/** The hashes of large uploads, worked out in threads that all HTTP threads share. */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { SessionHash, SessionHashes } from "../../ports/hasher.ts";
import type { HashAnswer, HashQuestion } from "./hash_thread.ts";
import type { PortCalls } from "./port_calls.ts";

type HashCalls = PortCalls<HashQuestion, HashAnswer>;

interface Taken extends SessionHash {
  readonly number: number;
  readonly thread: HashCalls;
}

export class RemoteSessionHashes implements SessionHashes {
  readonly #openThread: (index: number) => Promise<HashCalls>;
  readonly #threads: (Promise<HashCalls> | undefined)[];
  #next = 0;

  /**
   * @param threads how many there are; each session belongs to one of them
   * @param openThread called once for each, when there is work for it
   */
  constructor(threads: number, openThread: (index: number) => Promise<HashCalls>) {
    this.#threads = Array.from({ length: threads });
    this.#openThread = openThread;
  }

  async take(session: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): Promise<Taken> {
    const index = this.#indexOf(session);
    const thread = await (this.#threads[index] ??= this.#openThread(index));
    const number = this.#next++;
    const offset = await thread.call({ kind: "take", hash: number, session, algorithm, fileSize }) as number;
    const hash = {
      update: (bytes: Uint8Array<ArrayBuffer>) =>
        thread.call({ kind: "update", hash: number, bytes }, [bytes.buffer]) as Promise<typeof bytes>,
      digest: () => thread.call({ kind: "digest", hash: number }) as Promise<Digest>,
    };
    return { offset, hash, number, thread };
  }

  async keep(session: UploadSessionId, taken: SessionHash): Promise<void> {
    const { number, thread, offset } = taken as Taken;
    // Waited for, so that the next request finds it, whichever thread it comes to.
    await thread.call({ kind: "keep", hash: number, session, offset });
  }

  end(taken: SessionHash): void {
    const { number, thread } = taken as Taken;
    tell(thread, { kind: "end", hash: number });
  }

  forget(session: UploadSessionId): void {
    // Where nobody asked for the thread from here, a session that another one put there goes when many others came.
    this.#threads[this.#indexOf(session)]?.then(
      (thread) => tell(thread, { kind: "forget", session }),
      () => {},
    );
  }

  #indexOf(session: UploadSessionId): number {
    let sum = 0;
    for (let i = 0; i < session.length; i++) sum += session.charCodeAt(i);
    return sum % this.#threads.length;
  }
}

/** What is lost with it is read again from the file. */
function tell(thread: HashCalls, question: HashQuestion): void {
  thread.call(question).catch(() => {});
}
