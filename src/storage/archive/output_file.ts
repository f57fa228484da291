/** A file that has its name only when it is whole: what a cut leaves cannot be taken for it. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { formatSize } from "../../core/format_size.ts";
import { syncFolder } from "../files/layout.ts";
import { statIfThere } from "../files/stat_if_there.ts";
import { writeFully } from "../files/write_fully.ts";
import type { ByteSink } from "./tar_writer.ts";

/** Bytes written between two syncs, so that the last one is short and a slow disk is not told of gigabytes at once. */
const SYNC_EVERY = 256 * 1024 * 1024;

export class OutputFile implements ByteSink, AsyncDisposable {
  readonly #path: string;
  /** The name until it is whole. */
  readonly #incomplete: string;
  readonly #mayReplace: boolean;
  readonly #file: Deno.FsFile;
  #unsynced = 0;
  #isOpen = true;

  private constructor(path: string, incomplete: string, mayReplace: boolean, file: Deno.FsFile) {
    this.#path = path;
    this.#incomplete = incomplete;
    this.#mayReplace = mayReplace;
    this.#file = file;
  }

  /**
   * Begins the file beside its place, for the owner only, under a name that ends with `.incomplete`.
   *
   * @throws {Error} when there is something at `path` already that must not be replaced
   */
  static async open(path: string, { mayReplace }: { readonly mayReplace: boolean }): Promise<OutputFile> {
    await refuseToReplace(path, mayReplace);
    // A name that nobody can foresee, and never one that exists: in a folder for all, it could be somebody's link.
    const incomplete = `${path}.${crypto.randomUUID().slice(0, 8)}.incomplete`;
    const file = await Deno.open(incomplete, { write: true, createNew: true, mode: 0o600 });
    return new OutputFile(path, incomplete, mayReplace, file);
  }

  /** @throws {Error} when so many bytes have no room on the disk */
  async requireRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(dirname(this.#path));
    const free = bavail * bsize;
    if (bytes <= free) return;
    throw new Error(
      `Cannot write ${this.#path}: it needs ${formatSize(bytes)}, the disk has ${formatSize(free)} free`,
    );
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#file, bytes);
      this.#unsynced += bytes.length;
      if (this.#unsynced < SYNC_EVERY) return;
      this.#unsynced = 0;
      await this.#file.syncData();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Makes everything durable and gives the file its name. */
  async finish(): Promise<void> {
    try {
      await this.#file.sync();
      await refuseToReplace(this.#path, this.#mayReplace);
      await Deno.rename(this.#incomplete, this.#path);
      this.#close();
      await syncFolder(dirname(this.#path));
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Removes what was not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    await Deno.remove(this.#incomplete).catch(() => {});
    this.#close();
  }

  #close(): void {
    this.#isOpen = false;
    this.#file.close();
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const code = /os error (\d+)/.exec(error.message)?.[1];
    if (code === "28" || code === "122") {
      return new Error(`Cannot write ${this.#path}: the disk is full`, { cause: error });
    }
    if (code === "27") {
      return new Error(
        `Cannot write ${this.#path}: the file system takes no file as large as this; write to - and split what comes`,
        { cause: error },
      );
    }
    return error;
  }
}

async function refuseToReplace(path: string, mayReplace: boolean): Promise<void> {
  const there = await statIfThere(path);
  if (there === undefined || (mayReplace && there.isFile)) return;
  throw new Error(
    there.isFile
      ? `Cannot write ${path}: it exists; --force replaces it`
      : `Cannot write ${path}: something that is no file has this name`,
  );
}
