/** Entry of the writer thread: the one connection that writes to the database. */
import { watchThread } from "../../metrics/watch_thread.ts";
import { ThreadMetrics } from "../../metrics/thread_metrics.ts";
import type { ManifestPush } from "../../ports/metadata_store.ts";
import { countWholeBody } from "../../server/dead_buffers.ts";
import { Ballast, BALLAST_SIZE } from "../../storage/files/ballast.ts";
import { Layout } from "../../storage/files/layout.ts";
import { CommitCounter } from "../../storage/sqlite/commit_counter.ts";
import { GroupCommit } from "../../storage/sqlite/group_commit.ts";
import { openForWriting } from "../../storage/sqlite/open_database.ts";
import { serveWriter } from "../../storage/sqlite/writer_link.ts";
import type { FromWriter, StartWriter, ToWriter } from "./thread_messages.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: FromWriter): void;
};

thread.onmessage = ({ data }: MessageEvent<StartWriter>) => {
  const { database, ballast } = new Layout(data.rootDir);
  const commit = new GroupCommit(
    openForWriting(database),
    new Ballast(ballast, BALLAST_SIZE, data.minimumFreeSpace),
    new CommitCounter(data.commits),
  );
  const metrics = new ThreadMetrics((series) => thread.postMessage({ kind: "series", series }));
  watchThread(metrics, "writer");
  const duration = metrics.histogram("database_commit_duration_seconds", {});
  const [done, failed] = ["done", "failed"].map((result) =>
    metrics.counter("database_writes_total", { result })
  );
  const serve = serveWriter({
    run(commands) {
      const started = performance.now();
      const results = commit.run(commands);
      duration.observe((performance.now() - started) / 1000);
      for (const { ok } of results) (ok ? done! : failed!).add();
      for (const { name, args } of commands) {
        if (name !== "putManifest") continue;
        const { bytes, references } = args[0] as ManifestPush;
        countWholeBody(bytes.length, references.length);
      }
      return results;
    },
  });
  thread.onmessage = ({ data }: MessageEvent<ToWriter>) => {
    switch (data.kind) {
      case "serve":
        serve(data.port);
        break;
      case "close":
        commit.close();
        thread.postMessage({ kind: "closed" });
    }
  };
  thread.postMessage({ kind: "ready" });
};
