/** The program, except that after a SIGUSR2 it, or the thread that VICTIM asks for, dies at the step that DIE_AT names. */
import { main } from "../../src/cli/main.ts";
import { dieAt, sharedChoice, watchFiles } from "./steps.ts";

const ThreadOfProgram = Worker;

/** Threads that are watched begin in a file of ours, and know the step. */
class WatchedThread extends ThreadOfProgram {
  #message: { choice?: SharedArrayBuffer } = {};

  constructor(entry: URL, options: WorkerOptions & { deno: { permissions: object } }) {
    const kind = /\/src\/cli\/threads\/(http|writer)_thread\.ts$/.exec(entry.href)?.[1];
    // To kill itself, a thread has to be allowed to run programs.
    const deno = { permissions: { ...options.deno.permissions, ...(kind && { run: true }) } };
    const place = kind === undefined ? entry : new URL(`./dying_${kind}_thread.ts`, import.meta.url);
    super(place, { ...options, deno } as WorkerOptions);
    if (kind !== undefined) this.#message = { choice: sharedChoice() };
  }

  override postMessage(message: object, options?: Transferable[] | StructuredSerializeOptions): void {
    super.postMessage({ ...message, ...this.#message }, options as StructuredSerializeOptions);
    this.#message = {};
  }
}

watchFiles("jobs");
Deno.addSignalListener(
  "SIGUSR2",
  () => dieAt(Deno.env.get("DIE_AT")!, Deno.env.get("VICTIM") === "thread" ? "thread" : "process"),
);
globalThis.Worker = WatchedThread as typeof Worker;
Deno.exit(await main(Deno.args));
