/** Entry of a thread that takes upload sessions and gives them back, as often as it can. */
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import { UploadClaims } from "../../src/storage/files/upload_claims.ts";

interface Start {
  readonly owner: number;
  readonly shared: SharedArrayBuffer;
  readonly ids: readonly UploadSessionId[];
  /** Of each session, how many have it. */
  readonly had: SharedArrayBuffer;
  readonly forMs: number;
}

const thread = self as unknown as {
  onmessage: (event: MessageEvent<Start>) => void;
  postMessage(message: { readonly turns: number; readonly together: number }): void;
};

thread.onmessage = ({ data: { owner, shared, ids, had, forMs } }) => {
  const claims = new UploadClaims(owner, shared);
  const count = new Int32Array(had);
  let [turns, together] = [0, 0];
  // At least once, however late the thread comes to it.
  for (const end = performance.now() + forMs; performance.now() < end || turns === 0;) {
    for (const [i, id] of ids.entries()) {
      const claim = claims.take(id);
      if (claim === undefined) continue;
      if (Atomics.add(count, i, 1) > 0) together++;
      turns++;
      Atomics.sub(count, i, 1);
      claim.release();
    }
  }
  thread.postMessage({ turns, together });
};
