/** One transaction for all the writes that wait: one fsync pays for many. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { OciError } from "../../core/oci_error.ts";
import type { Ballast } from "../files/ballast.ts";
import { diskIsFull, SQLITE_FULL, SQLITE_IOERR } from "../files/disk_fault.ts";
import { CommitCounter } from "./commit_counter.ts";
import { rewriteLog } from "./rewrite_log.ts";
import { WriteCommands } from "./write_commands.ts";

export type CommandName = Exclude<keyof WriteCommands, "constructor">;

/** A write to be done, by the name of the method of {@linkcode WriteCommands}. */
export interface Command {
  readonly name: CommandName;
  readonly args: readonly unknown[];
}

export type CommandResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/** What may still be written into the room that the ballast gave up. */
const FREES_ROOM: ReadonlySet<CommandName> = new Set([
  "cancelUpload",
  "announceBlob",
  "deleteTag",
  "deleteManifest",
  "deleteBlob",
  "pruneTagHistory",
  "removeTags",
  "removeManifests",
  "prunePulls",
  "removeOrphans",
  "removeHolds",
  "removeUnheldBlobs",
  "removeContents",
  "removeRepository",
  "forgetGoneSubjects",
  "writeCollectRecord",
]);

/**
 * What promises nothing that a power cut may not take: a session whose row is lost is as unknown to its client as one that
 * expired, and the bytes that it brought are not synced either. A crash of the process loses nothing of it.
 */
const NEEDS_NO_SYNC: ReadonlySet<CommandName> = new Set(["startUpload", "noteUploadFile"]);

/** Statements and not `exec()`, whose errors lack SQLite's code: a COMMIT is where a full disk shows. */
const TRANSACTION_SQL = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollBack: "ROLLBACK",
  save: "SAVEPOINT command",
  rollBackToSaved: "ROLLBACK TO command",
  release: "RELEASE command",
  emptyLog: "PRAGMA wal_checkpoint(RESTART)",
} as const;

/** The one writer of a database. */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #commands: WriteCommands;
  readonly #transaction = {} as Record<keyof typeof TRANSACTION_SQL, StatementSync>;
  readonly #ballast: Ballast | undefined;
  readonly #commits: CommitCounter;
  /** Set while the disk is full and the ballast given up: only what frees room is written. */
  #onlyFreeing = false;
  /** Whether the connection syncs its commits, as it was opened to do. */
  #syncs = true;
  /** Set when a sync may have failed: what it was to cover, a later one does not. */
  #logIsDoubtful = false;

  /**
   * @param ballast given up when SQLite finds the disk full, so that deletes go on
   * @param commits tells readers of every transaction
   */
  constructor(database: DatabaseSync, ballast?: Ballast, commits: CommitCounter = new CommitCounter()) {
    this.#database = database;
    this.#commits = commits;
    this.#commands = new WriteCommands(database);
    for (const [name, sql] of Object.entries(TRANSACTION_SQL)) {
      this.#transaction[name as keyof typeof TRANSACTION_SQL] = database.prepare(sql);
    }
    this.#ballast = ballast;
    ballast?.keep();
  }

  /**
   * Runs the commands in order in one transaction and makes them durable, unless none of them needs it. One that fails leaves no trace and does not
   * touch the others; when the transaction itself fails (a failed fsync, say), all have failed and none is tried again.
   * On a full disk what adds content is refused until there is room for the ballast again.
   */
  run(commands: readonly Command[]): CommandResult[] {
    if (this.#ballast?.keep()) this.#onlyFreeing = false;
    if (this.#onlyFreeing) return this.#runFreeing(commands);
    const results = this.#commit(commands);
    if (!results.some(foundDiskFull)) return results;
    if (!this.#ballast?.giveUp()) return this.#retryInLog(commands, results);
    this.#onlyFreeing = true;
    const full = commands.map((_, i) => foundDiskFull(results[i]!));
    const again = this.#runFreeing(commands.filter((_, i) => full[i])).values();
    return results.map((result, i) => full[i] ? again.next().value! : result);
  }

  close(): void {
    this.#database.close();
  }

  #runFreeing(commands: readonly Command[]): CommandResult[] {
    const freeing = commands.filter(({ name }) => FREES_ROOM.has(name));
    const done = this.#retryInLog(freeing, this.#commit(freeing)).values();
    return commands.map(({ name }) =>
      FREES_ROOM.has(name) ? done.next().value! : { ok: false, error: diskIsFull() }
    );
  }

  /** Where others took the room of the ballast as well, what frees room is done in what the log takes up already. */
  #retryInLog(commands: readonly Command[], results: CommandResult[]): CommandResult[] {
    const retried = commands.map(({ name }, i) => FREES_ROOM.has(name) && foundDiskFull(results[i]!));
    if (!retried.includes(true) || !this.#emptyLog()) return results;
    const again = this.#commit(commands.filter((_, i) => retried[i])).values();
    return results.map((result, i) => retried[i] ? again.next().value! : result);
  }

  /** Lets the next transaction begin at the front of the log, whose room is taken already. False where that fails as well. */
  #emptyLog(): boolean {
    try {
      return this.#transaction.emptyLog.get()?.busy === 0;
    } catch {
      this.#logIsDoubtful = true;
      return false;
    }
  }

  #commit(commands: readonly Command[]): CommandResult[] {
    if (commands.length === 0) return [];
    if (!this.#database.isOpen) {
      const error = new OciError("UNAVAILABLE", { message: "Cannot write: the registry is stopping" });
      return commands.map(() => ({ ok: false, error }));
    }
    try {
      this.#mendLog();
    } catch (error) {
      return commands.map(() => ({ ok: false, error }));
    }
    const results = this.#transact(commands);
    if (results.some(foundBrokenDisk)) this.#logIsDoubtful = true;
    return results;
  }

  /**
   * Before anything is promised after a failed sync. SQLite writes the pages of the transaction that failed once more with the
   * next one, but not those of transactions before it that waited for the same sync; and what comes behind a gap in the
   * log is nothing to whoever reads it after a power cut.
   */
  #mendLog(): void {
    if (!this.#logIsDoubtful) return;
    rewriteLog(this.#database);
    this.#logIsDoubtful = false;
  }

  #transact(commands: readonly Command[]): CommandResult[] {
    this.#commits.begin();
    try {
      // The sync of the next commit that has one covers one that has none.
      this.#useSync(!commands.every(({ name }) => NEEDS_NO_SYNC.has(name)));
      this.#transaction.begin.run();
      if (commands.length === 1) return [this.#runAlone(commands[0]!)];
      const results = commands.map((command) => this.#runOne(command));
      this.#transaction.commit.run();
      return results;
    } catch (error) {
      // SQLite has rolled back by itself after some errors; then there is nothing to roll back.
      if (this.#database.isTransaction) this.#transaction.rollBack.run();
      return commands.map(() => ({ ok: false, error }));
    } finally {
      this.#commits.end();
    }
  }

  /** Only where the last transaction had the other: to say so takes as long as a small write. */
  #useSync(syncs: boolean): void {
    if (syncs === this.#syncs) return;
    // A prepared PRAGMA would act when it is prepared.
    this.#database.exec(`PRAGMA synchronous = ${syncs ? "FULL" : "NORMAL"}`);
    this.#syncs = syncs;
  }

  /** A transaction of one command, which needs no savepoint, and its end. */
  #runAlone(command: Command): CommandResult {
    let value: unknown;
    try {
      value = this.#do(command);
    } catch (error) {
      if (this.#database.isTransaction) this.#transaction.rollBack.run();
      return { ok: false, error };
    }
    this.#transaction.commit.run();
    return { ok: true, value };
  }

  #do({ name, args }: Command): unknown {
    return (this.#commands[name] as (...args: readonly unknown[]) => unknown)(...args);
  }

  #runOne(command: Command): CommandResult {
    this.#transaction.save.run();
    try {
      const value = this.#do(command);
      this.#transaction.release.run();
      return { ok: true, value };
    } catch (error) {
      // The whole transaction is gone, with the savepoint and what the other commands did.
      if (!this.#database.isTransaction) throw error;
      this.#transaction.rollBackToSaved.run();
      this.#transaction.release.run();
      return { ok: false, error };
    }
  }
}

function foundDiskFull(result: CommandResult): boolean {
  return codeOf(result) === SQLITE_FULL;
}

/** A failed sync among others, which its code tells only where SQLite asked for it by itself. */
function foundBrokenDisk(result: CommandResult): boolean {
  return ((codeOf(result) ?? 0) & 0xff) === SQLITE_IOERR;
}

/** SQLite's, of a command that has failed. */
function codeOf(result: CommandResult): number | undefined {
  return result.ok ? undefined : (result.error as { errcode?: number } | undefined)?.errcode;
}
