/** One transaction for all the writes that wait: one fsync pays for many. */
import type { DatabaseSync } from "node:sqlite";
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

/** The one writer of a database. */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #commands: WriteCommands;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#commands = new WriteCommands(database);
  }

  /**
   * Runs the commands in order in one transaction and makes them durable. One that fails leaves no trace and does not
   * touch the others; when the transaction itself fails (no room, a failed fsync), all have failed and none is tried again.
   */
  run(commands: readonly Command[]): CommandResult[] {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const results = commands.map((command) => this.#runOne(command));
      this.#database.exec("COMMIT");
      return results;
    } catch (error) {
      // SQLite has rolled back by itself after some errors; then there is nothing to roll back.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      return commands.map(() => ({ ok: false, error }));
    }
  }

  close(): void {
    this.#database.close();
  }

  #runOne({ name, args }: Command): CommandResult {
    this.#database.exec("SAVEPOINT command");
    try {
      const value = (this.#commands[name] as (...args: readonly unknown[]) => unknown)(...args);
      this.#database.exec("RELEASE command");
      return { ok: true, value };
    } catch (error) {
      // Throws when the whole transaction is gone, and then every command of it has failed.
      this.#database.exec("ROLLBACK TO command; RELEASE command");
      return { ok: false, error };
    }
  }
}
