/** Syncs an upload while it still comes, so that its end does not have to wait for all of it. */

/** Bytes written between two syncs. */
const SYNC_EVERY = 64 * 1024 * 1024;

export class EarlySync {
  readonly #open: () => Promise<Deno.FsFile>;
  #file: Deno.FsFile | undefined;
  #unsynced = 0;
  #running: Promise<void> | undefined;
  #fault: { readonly error: unknown } | undefined;

  /** @param open the upload's file once more: on the one that is written to, a sync would hold up the writes */
  constructor(open: () => Promise<Deno.FsFile>) {
    this.#open = open;
  }

  /** Counts bytes that were written, and begins a sync when it is time. */
  count(bytes: number): void {
    this.#unsynced += bytes;
    if (this.#unsynced < SYNC_EVERY || this.#running !== undefined || this.#fault !== undefined) return;
    this.#unsynced = 0;
    this.#running = this.#run().finally(() => this.#running = undefined);
  }

  /**
   * Resolves when none is under way, and frees what it holds.
   *
   * @throws what kept a sync from succeeding: what was written can be trusted no more, also when a later sync succeeds
   */
  async end(): Promise<void> {
    await this.#running;
    this.#file?.close();
    this.#file = undefined;
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  async #run(): Promise<void> {
    try {
      this.#file ??= await this.#open();
    } catch {
      // Cancelled, or out of descriptors: the sync at the end is then the only one.
      return;
    }
    try {
      await this.#file.syncData();
    } catch (error) {
      this.#fault = { error };
    }
  }
}
