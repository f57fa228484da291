/** The files below one folder that somebody else has written, wherever it is opened. Links in it are not followed. */

export interface FileEntry {
  readonly name: string;
  /** "other" is what is neither: a link, a pipe, a socket. */
  readonly kind: "file" | "folder" | "other";
  /** Bytes of a file; 0 for what is none. */
  readonly size: number;
}

/** Paths go from the folder down, with "/" between names; "" is the folder. What cannot be read is a `SourceFault`. */
export interface FileTree {
  /** In no order; undefined where there is no such folder. */
  list(path: string): Promise<readonly FileEntry[] | undefined>;
  /** Bytes of a file; undefined where there is none. @throws {SourceFault} for what is no file */
  sizeOf(path: string): Promise<number | undefined>;
  /** Reads from `at` on until the target is full or the end is reached; gives how many bytes. @throws {SourceFault} */
  read(path: string, at: number, target: Uint8Array): Promise<number>;
}
