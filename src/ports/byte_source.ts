/** Bytes that can be read from any place on, such as those of a file, wherever it is opened. */

export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Reads from `at` on until the target is full or the end is reached; gives how many bytes. */
  read(at: number, target: Uint8Array): Promise<number>;
}
