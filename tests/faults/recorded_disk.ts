/** What a server did to its files, in the order of a record, and which of it a power cut at one moment cannot take back. */
import { pathOfDescriptor, stringsOf, type SystemCall } from "./strace_lines.ts";

/** Begins and ends at lines of the record. */
interface Span {
  readonly start: number;
  readonly end: number;
}

interface Write extends Span {
  /** Byte at which it begins; the file ends there where `bytes` is undefined. */
  readonly at: number;
  readonly bytes: Uint8Array | undefined;
}

/** A name that comes or goes. */
interface Entry extends Span {
  readonly name: string;
  /** undefined where the name goes. */
  readonly file: RecordedFile | undefined;
}

interface RecordedFile {
  size: number;
  readonly writes: Write[];
  readonly syncs: Span[];
}

interface RecordedFolder {
  readonly entries: Entry[];
  readonly syncs: Span[];
}

/** How much of something that is not safe happened nevertheless: 0 for nothing, 1 for all. */
export type Luck = () => number;

/** Bytes. */
const SECTOR = 512;

/** Memory that is mapped and not written: a start makes it anew. */
const NOT_KEPT = /-shm$/;

export class RecordedDisk {
  readonly #root: string;
  readonly #folders = new Map<string, RecordedFolder>();
  /** By the last name that each had. */
  readonly #files = new Map<string, RecordedFile>();
  readonly #named = new Set<string>();

  /** @param root the data directory */
  constructor(root: string, calls: readonly SystemCall[]) {
    this.#root = `${root}/`;
    for (const call of calls) if (!call.result.startsWith("-1")) this.#take(call);
  }

  /**
   * Files as they may be after a power cut before a line of the record: what was synced until then, and of the rest what
   * `luck` lets happen, in any order.
   */
  filesAt(line: number, luck: Luck): Map<string, Uint8Array> {
    const happened = (what: Span, syncs: readonly Span[]): number => {
      if (what.start >= line) return 0;
      return syncs.some(({ start, end }) => what.end < start && end < line) ? 1 : luck();
    };
    const found = new Map<string, Uint8Array>();
    for (const [folder, { entries, syncs }] of this.#folders) {
      for (const entry of entries) {
        if (happened(entry, syncs) < 1) continue;
        const path = `${folder}${entry.name}`;
        if (entry.file === undefined) found.delete(path);
        else found.set(path, contentOf(entry.file, happened));
      }
    }
    return found;
  }

  #take({ name, args, result, start, end }: SystemCall): void {
    const span = { start, end };
    switch (name) {
      case "openat": {
        const path = this.#inside(new TextDecoder().decode(stringsOf(args)[0]));
        if (path === undefined || !args.includes("O_CREAT")) return;
        if (!this.#named.has(path)) this.#add(span, path, { size: 0, writes: [], syncs: [] });
        else if (args.includes("O_TRUNC")) this.#write(span, this.#files.get(path)!, 0, undefined);
        return;
      }
      case "write":
      case "pwrite64":
      case "ftruncate": {
        const file = this.#fileOf(args);
        if (file === undefined) return;
        const last = Number(/, (\d+)$/.exec(args)![1]);
        if (name === "ftruncate") this.#write(span, file, last, undefined);
        else {
          const [bytes] = stringsOf(args);
          const written = bytes!.subarray(0, Number(result));
          // Whoever writes without a place appends here.
          this.#write(span, file, name === "write" ? file.size : last, written);
        }
        return;
      }
      case "fsync":
      case "fdatasync":
        this.#syncsOf(args)?.push(span);
        return;
      case "rename":
      case "unlink": {
        const [from, to] = stringsOf(args).map((bytes) => this.#inside(new TextDecoder().decode(bytes)));
        if (from === undefined) return;
        // A rename is two changes of folders, of which each is safe by itself.
        const file = this.#files.get(from)!;
        if (to !== undefined) this.#add(span, to, file);
        this.#named.delete(from);
        this.#entry(span, from, undefined);
        return;
      }
      case "writev":
      case "pwritev":
      case "pwritev2":
      case "fallocate":
      case "copy_file_range":
      case "sendfile":
      case "renameat":
      case "renameat2":
      case "unlinkat":
      case "linkat":
        if (args.includes(this.#root)) {
          throw new Error(`The replay does not know ${name}(${args.slice(0, 200)})`);
        }
    }
  }

  #add(span: Span, path: string, file: RecordedFile): void {
    this.#files.set(path, file);
    this.#named.add(path);
    if (!NOT_KEPT.test(path)) this.#entry(span, path, file);
  }

  #entry(span: Span, path: string, file: RecordedFile | undefined): void {
    const at = path.lastIndexOf("/") + 1;
    this.#folder(path.slice(0, at)).entries.push({ ...span, name: path.slice(at), file });
  }

  #write(span: Span, file: RecordedFile, at: number, bytes: Uint8Array | undefined): void {
    file.writes.push({ ...span, at, bytes });
    file.size = bytes === undefined ? at : Math.max(file.size, at + bytes.length);
  }

  #syncsOf(args: string): Span[] | undefined {
    const path = this.#inside(`${pathOfDescriptor(args)}`);
    if (path === undefined) return undefined;
    return (this.#files.get(path) ?? this.#folder(path === "" ? "" : `${path}/`)).syncs;
  }

  #fileOf(args: string): RecordedFile | undefined {
    const path = this.#inside(`${pathOfDescriptor(args)}`);
    return path === undefined || NOT_KEPT.test(path) ? undefined : this.#files.get(path);
  }

  #folder(path: string): RecordedFolder {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const folder = { entries: [], syncs: [] };
    this.#folders.set(path, folder);
    return folder;
  }

  /** The path below the data directory. */
  #inside(path: string): string | undefined {
    return `${path}/`.startsWith(this.#root) ? path.slice(this.#root.length) : undefined;
  }
}

function contentOf(
  { writes, syncs }: RecordedFile,
  happened: (what: Span, syncs: readonly Span[]) => number,
): Uint8Array {
  const room = new Uint8Array(Math.max(0, ...writes.map(({ at, bytes }) => at + (bytes?.length ?? 0))));
  let size = 0;
  for (const write of writes) {
    const part = happened(write, syncs);
    if (part === 0) continue;
    const { at, bytes } = write;
    if (bytes === undefined) {
      room.fill(0, at);
      size = at;
    } else {
      // A write is torn between two sectors.
      const torn = part < 1 ? bytes.subarray(0, Math.floor(bytes.length * part / SECTOR) * SECTOR) : bytes;
      room.set(torn, at);
      size = Math.max(size, at + torn.length);
    }
  }
  return room.subarray(0, size);
}
