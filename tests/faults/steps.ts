/** Lets a thread die at a step of its work: nothing of the program changes, only what the runtime and the writer do is watched. */
import { StatementSync } from "node:sqlite";
import type { FinishedUpload } from "../../src/ports/metadata_store.ts";
import { type CommandName, GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { SIZE_IN_PIECES } from "./upload_in_pieces.ts";

/** A change of the database, just before it is durable and just after, when nobody has been told of it. */
const transaction = (name: CommandName) => [`commit ${name}`, `answer ${name}`] as const;

/** Every step by what is going on; the process dies before it. */
export const STEPS = {
  "an upload": [
    ...transaction("startUpload"),
    "create upload file",
    ...transaction("noteUploadFile"),
    "write upload file",
    "sync upload file",
    "rename upload file",
    "sync folder of blobs",
    ...transaction("finishUpload"),
    "remove blob file",
  ],
  // Its client goes on with it after the restart, which the one of an upload in one request cannot.
  "an upload in pieces": ["go on after the rename in pieces", "answer finishUpload in pieces"],
  "the end of an upload": [...transaction("cancelUpload"), "remove upload file"],
  "a mount": transaction("mountBlob"),
  "an answer that a blob is there": transaction("announceBlob"),
  "a push of a manifest, which may move a tag": transaction("putManifest"),
  "the deletion of a tag": transaction("deleteTag"),
  "the deletion of a manifest": transaction("deleteManifest"),
  "the deletion of a blob": transaction("deleteBlob"),
  "a collection": [
    ...transaction("removeOrphans"),
    ...transaction("removeHolds"),
    "collect blob file",
    ...transaction("removeRepository"),
  ],
} as const;

/** Reached when nobody works: uploads that nobody ends. */
export const EXPIRY_STEP = "expire upload file";

const NAMES: readonly string[] = [...Object.values(STEPS).flat(), EXPIRY_STEP];

/** In memory of all threads: 0 or the number of the step at which to die, counted from 1; and whether only the thread dies. */
let chosen = new Int32Array(new SharedArrayBuffer(8));

/** What a thread has to be given, so that it knows what is chosen. */
export function sharedChoice(): SharedArrayBuffer {
  return chosen.buffer as SharedArrayBuffer;
}

/** Takes it from the first message to the thread. */
export function hearChoice(): void {
  globalThis.addEventListener(
    "message",
    (event) => chosen = new Int32Array((event as MessageEvent).data.choice),
    { once: true },
  );
}

/** Who ends at a step. */
export type Victim = "process" | "thread";

/** The process dies when a thread comes to the step, or the thread alone, by an error that nobody catches. */
export function dieAt(name: string, victim: Victim): void {
  const number = NAMES.indexOf(name) + 1;
  if (number === 0) throw new Error(`There is no step "${name}"`);
  Atomics.store(chosen, 1, victim === "thread" ? 1 : 0);
  Atomics.store(chosen, 0, number);
}

function step(name: string): void {
  const number = NAMES.indexOf(name) + 1;
  if (number === 0 || Atomics.load(chosen, 0) !== number) return;
  console.error(`dies at: ${name}`);
  if (Atomics.load(chosen, 1) === 0) Deno.kill(Deno.pid, "SIGKILL");
  setTimeout(() => {
    throw new Error("ended by a test");
  });
}

/** @param by the thread that requests come to, or the one that does jobs */
export function watchFiles(by: "http" | "jobs"): void {
  const { open, rename, remove } = Deno;
  const { write, sync, syncData } = Deno.FsFile.prototype;
  Object.assign(Deno, {
    open(path: string, options: Deno.OpenOptions) {
      if (options.create && path.includes("/uploads/")) step("create upload file");
      return open(path, options);
    },
    async rename(from: string, to: string) {
      if (to.includes("/blobs/")) step("rename upload file");
      await rename(from, to);
      if (Deno.statSync(to).size === SIZE_IN_PIECES) step("go on after the rename in pieces");
    },
    remove(path: string) {
      const what = path.includes("/blobs/") ? "blob file" : "upload file";
      step(by === "http" ? `remove ${what}` : what === "blob file" ? "collect blob file" : EXPIRY_STEP);
      return remove(path);
    },
  });
  if (by === "jobs") return;
  Object.assign(Deno.FsFile.prototype, {
    write(this: Deno.FsFile, bytes: Uint8Array) {
      step("write upload file");
      return write.call(this, bytes);
    },
    sync(this: Deno.FsFile) {
      step("sync folder of blobs");
      return sync.call(this);
    },
    syncData(this: Deno.FsFile) {
      step("sync upload file");
      return syncData.call(this);
    },
  });
}

export function watchTransactions(): void {
  const { run: runAll } = GroupCommit.prototype;
  const { run: runOne } = StatementSync.prototype;
  let names: readonly string[] = [];
  GroupCommit.prototype.run = function (commands) {
    names = commands.map(({ name }) => name);
    const results = runAll.call(this, commands);
    for (const { name, args } of commands) {
      step(`answer ${name}`);
      const isInPieces = name === "finishUpload" && (args[0] as FinishedUpload).size === SIZE_IN_PIECES;
      if (isInPieces) step("answer finishUpload in pieces");
    }
    return results;
  };
  StatementSync.prototype.run = function (this: StatementSync, ...values: never[]) {
    const isCommit = this.sourceSQL === "COMMIT";
    for (const name of isCommit ? names : []) step(`commit ${name}`);
    return runOne.apply(this, values as unknown as Parameters<typeof runOne>);
  };
}
