/** What a job knows again after a restart. */
export interface JobMemory {
  /** The value that was written last, as JSON has it; undefined where none was, or where it cannot be read any more. */
  read(): Promise<unknown>;
  /** The value whole or not at all, also when the process is killed meanwhile. */
  write(value: unknown): Promise<void>;
}
