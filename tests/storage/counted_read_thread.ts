/** Entry of a thread that reads one tag without a pause and compares what it sees with what was acknowledged before. */
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { CommitCounter } from "../../src/storage/sqlite/commit_counter.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { repo, tag } from "./temp_storage.ts";

export interface StartCountedReads {
  readonly databasePath: string;
  readonly commits: SharedArrayBuffer;
  /** Two numbers: the last move of the tag that was acknowledged, and 1 when the readers shall end. */
  readonly progress: SharedArrayBuffer;
}

export interface CountedReads {
  /** Reads that saw an older manifest than was acknowledged when they began. */
  readonly stale: number;
  /** Reads that saw an older manifest than an earlier read of this thread. */
  readonly backwards: number;
  readonly reads: number;
  /** How many different manifests were seen. */
  readonly seen: number;
}

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: CountedReads | "reading"): void;
};

thread.onmessage = ({ data }: MessageEvent<StartCountedReads>) => {
  const reader = new SqliteReader(
    openForReading(data.databasePath),
    { cacheBytes: 1024 * 1024, commits: new CommitCounter(data.commits) },
  );
  const progress = new Int32Array(data.progress);
  const seen = new Set<number>();
  let [stale, backwards, reads, last] = [0, 0, 0, 0];
  thread.postMessage("reading");
  while (Atomics.load(progress, 1) === 0) {
    const acknowledged = Atomics.load(progress, 0);
    const manifest = reader.findManifest(repo("a"), { kind: "tag", tag: tag("v1") })!;
    const move = Number(new TextDecoder().decode(manifest.bytes));
    if (move < acknowledged) stale++;
    if (move < last) backwards++;
    last = move;
    seen.add(move);
    reads++;
  }
  reader.close();
  thread.postMessage({ stale, backwards, reads, seen: seen.size });
};
