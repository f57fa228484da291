/** A blob on its way: how far it has come, and who waits for more. */
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { ArrivingBlob } from "../ports/mirrors.ts";

/** What happens to a blob on its way. */
export type ArrivalEvent =
  | { readonly kind: "written"; readonly bytes: number }
  | { readonly kind: "complete" }
  | { readonly kind: "failed"; readonly fault: Error };

export class Arrival implements ArrivingBlob {
  readonly session: UploadSessionId;
  readonly size: number;
  #written = 0;
  #end: ArrivalEvent | undefined;
  #change = Promise.withResolvers<void>();
  readonly #listeners = new Set<(event: ArrivalEvent) => void>();

  constructor(session: UploadSessionId, size: number) {
    this.session = session;
    this.size = size;
  }

  get isComplete(): boolean {
    return this.#end?.kind === "complete";
  }

  /** Takes news. Nothing comes after an end. */
  tell(event: ArrivalEvent): void {
    if (this.#end !== undefined) return;
    if (event.kind === "written") {
      if (event.bytes <= this.#written) return;
      this.#written = event.bytes;
    } else this.#end = event;
    const before = this.#change;
    this.#change = Promise.withResolvers();
    before.resolve();
    for (const listener of this.#listeners) listener(event);
    if (this.#end !== undefined) this.#listeners.clear();
  }

  /** Passes on how far it has come, and everything that comes. */
  listen(listener: (event: ArrivalEvent) => void): void {
    if (this.#written > 0) listener({ kind: "written", bytes: this.#written });
    if (this.#end !== undefined) listener(this.#end);
    else this.#listeners.add(listener);
  }

  async reach(offset: number): Promise<number> {
    while (this.#end === undefined && this.#written <= offset) await this.#change.promise;
    if (this.#end?.kind === "failed") throw this.#end.fault;
    return this.isComplete ? this.size : this.#written;
  }

  async complete(): Promise<void> {
    while (this.#end === undefined) await this.#change.promise;
    if (this.#end.kind === "failed") throw this.#end.fault;
  }
}
