/** A FileTree on a folder of this machine that somebody else may write to. */
import { SourceFault } from "../../core/source_fault.ts";
import { quote } from "../../core/quote.ts";
import type { FileEntry, FileTree } from "../../ports/file_tree.ts";
import { FileSource } from "../archive/file_source.ts";

/** Files that are kept open between two reads. */
const MOST_OPEN = 16;

/** Folders that are known to be none of somebody's links. */
const MOST_KNOWN = 10_000;

interface OpenFile {
  readonly source: FileSource;
  readers: number;
}

export class DirectoryTree implements FileTree, Disposable {
  readonly #root: string;
  readonly #open = new Map<string, OpenFile>();
  readonly #known = new Set<string>();

  private constructor(root: string) {
    this.#root = root;
  }

  /** The folder itself may be a link. @throws {Error} where there is none */
  static async open(path: string): Promise<DirectoryTree> {
    const root = await Deno.realPath(path);
    if (!(await Deno.stat(root)).isDirectory) throw new Error(`Cannot read ${path}: it is no folder`);
    return new DirectoryTree(root);
  }

  async list(path: string): Promise<readonly FileEntry[] | undefined> {
    const folder = await this.#pathOf(path);
    if (folder === undefined) return undefined;
    return await told(path, async () => {
      const info = await Deno.lstat(folder);
      if (!info.isDirectory) return undefined;
      const entries: FileEntry[] = [];
      for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
        if (isFile) entries.push({ name, kind: "file", size: (await Deno.lstat(`${folder}/${name}`)).size });
        else entries.push({ name, kind: isDirectory ? "folder" : "other", size: 0 });
      }
      return entries;
    });
  }

  async sizeOf(path: string): Promise<number | undefined> {
    const file = await this.#pathOf(path);
    if (file === undefined) return undefined;
    return await told(path, async () => {
      const info = await Deno.lstat(file);
      if (!info.isFile) throw noFile(path);
      return info.size;
    });
  }

  async read(path: string, at: number, target: Uint8Array): Promise<number> {
    const file = await this.#take(path);
    try {
      const read = await told(path, () => file.source.read(at, target));
      return read ?? 0;
    } finally {
      file.readers--;
    }
  }

  [Symbol.dispose](): void {
    for (const { source } of this.#open.values()) source[Symbol.dispose]();
    this.#open.clear();
  }

  /** Counts the caller among the readers at once: whoever opens another file meanwhile closes those that have none. */
  async #take(path: string): Promise<OpenFile> {
    const known = this.#open.get(path);
    if (known !== undefined) {
      // The last one that was read goes last.
      this.#open.delete(path);
      this.#open.set(path, known);
      known.readers++;
      return known;
    }
    const place = await this.#pathOf(path);
    const source = place === undefined ? undefined : await told(path, () => openSame(path, place));
    if (source === undefined) throw new SourceFault(`${quote(path)} is not there any more`);
    const meanwhile = this.#open.get(path);
    if (meanwhile !== undefined) {
      source[Symbol.dispose]();
      meanwhile.readers++;
      return meanwhile;
    }
    this.#closeOldest();
    const opened = { source, readers: 1 };
    this.#open.set(path, opened);
    return opened;
  }

  #closeOldest(): void {
    for (const [path, { source, readers }] of this.#open) {
      if (this.#open.size < MOST_OPEN) return;
      if (readers > 0) continue;
      source[Symbol.dispose]();
      this.#open.delete(path);
    }
  }

  /** undefined where a folder on the way is not there. @throws {SourceFault} for a way that leads elsewhere */
  async #pathOf(path: string): Promise<string | undefined> {
    const names = path === "" ? [] : path.split("/");
    if (names.some((name) => name === "" || name === "." || name === ".." || name.includes("\0"))) {
      throw new SourceFault(`${quote(path)} is no path in the folder`);
    }
    let folder = this.#root;
    for (const name of names.slice(0, -1)) {
      folder += `/${name}`;
      if (this.#known.has(folder)) continue;
      const info = await told(path, () => Deno.lstat(folder));
      if (info === undefined || info.isFile) return undefined;
      if (!info.isDirectory) {
        throw new SourceFault(`${quote(path)} leads over a link, and links are not followed`);
      }
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.add(folder);
    }
    return names.length === 0 ? folder : `${folder}/${names.at(-1)}`;
  }
}

/** Opens what the path named a moment ago: nobody may put a pipe or a link in its place meanwhile. */
async function openSame(path: string, place: string): Promise<FileSource> {
  const named = await Deno.lstat(place);
  if (!named.isFile) throw noFile(path);
  const file = await Deno.open(place, { read: true });
  const opened = file.statSync();
  if (opened.ino === named.ino && opened.dev === named.dev) return new FileSource(file);
  file.close();
  throw noFile(path);
}

function noFile(path: string): SourceFault {
  return new SourceFault(`${quote(path)} is no file, and links are not followed`);
}

/** undefined for what is not there. @throws {SourceFault} what the system says else */
async function told<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof SourceFault) throw error;
    throw new SourceFault(`${quote(path)} cannot be read: ${(error as Error).message}`);
  }
}
