/** Entry of a writer thread that counts its transactions and can be held up, for tests of the way to it. */
import { OciError } from "../../src/core/oci_error.ts";
import { type Command, type CommandResult, GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { serveWriter } from "../../src/storage/sqlite/writer_link.ts";

export type ToTestWriter =
  | { readonly kind: "serve"; readonly port: MessagePort }
  /** Does nothing for `ms`, so that requests gather. Answers with the sizes of the groups so far. */
  | { readonly kind: "pause"; readonly ms: number }
  /** Answers with the sizes of the groups so far. */
  | { readonly kind: "groups" }
  | { readonly kind: "close" };

/** Fails like no SQLite statement does: with everything that an OciError can carry. */
class FailingCommit extends GroupCommit {
  readonly groups: number[] = [];

  override run(commands: readonly Command[]): CommandResult[] {
    this.groups.push(commands.length);
    return super.run(commands).map((result, i) => {
      if (commands[i]!.args[0] !== "fail as a client's fault") return result;
      const error = new OciError("DENIED", {
        status: 418,
        message: "Cannot do this",
        detail: { n: 1 },
        headers: { allow: "GET" },
      });
      return { ok: false, error };
    });
  }
}

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: readonly number[]): void;
};

thread.onmessage = ({ data: databasePath }: MessageEvent<string>) => {
  const commit = new FailingCommit(openForWriting(databasePath));
  const serve = serveWriter(commit);
  thread.onmessage = ({ data }: MessageEvent<ToTestWriter>) => {
    if (data.kind === "serve") return serve(data.port);
    if (data.kind === "close") commit.close();
    if (data.kind === "pause") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, data.ms);
    thread.postMessage(commit.groups);
  };
};
