/** Threads that only compute, and may do nothing else: passwords, large manifests, the hashes of large uploads. */
import type { AuthSettings } from "../../config/settings.ts";
import { NOTHING } from "./no_permissions.ts";
import type { StartPasswords } from "./password_thread.ts";
import { openCalls } from "./port_calls.ts";
import type { NeededThread } from "./thread_messages.ts";

/** ms that a replaced password thread may still answer. */
const PASSWORDS_LINGER_MS = 60_000;

/** A thread that is started when the first request needs it: most registries never see a large manifest. */
export type ComputingThread = Exclude<NeededThread, "mirror">;

export class ComputingThreads {
  readonly #onFatal: (reason: string) => void;
  readonly #needed = new Map<ComputingThread, Worker>();
  #passwords: Worker | undefined;

  /** @param onFatal called when one of them died: what it was asked is never answered */
  constructor(onFatal: (reason: string) => void) {
    this.#onFatal = onFatal;
  }

  /** A new way to a thread, which is started unless it runs. */
  openPort(name: ComputingThread): MessagePort {
    let worker = this.#needed.get(name);
    if (worker === undefined) {
      const entry = name === "manifest"
        ? new URL("./manifest_thread.ts", import.meta.url)
        : new URL("./hash_thread.ts", import.meta.url);
      worker = this.#start(name, entry);
      this.#needed.set(name, worker);
    }
    return openCalls(worker);
  }

  /** Has passwords checked by a new thread; questions that the former one was asked end with the passwords they began with. */
  usePasswords({ identities }: Pick<AuthSettings, "identities">): void {
    const former = this.#passwords;
    this.#passwords = undefined;
    if (former !== undefined) setTimeout(() => former.terminate(), PASSWORDS_LINGER_MS);
    if (identities.length === 0) return;
    this.#passwords = this.#start("password", new URL("./password_thread.ts", import.meta.url));
    this.#passwords.postMessage({ identities } satisfies StartPasswords);
  }

  /** A new way to the password thread; undefined where no passwords are configured. */
  openPasswordPort(): MessagePort | undefined {
    return this.#passwords && openCalls(this.#passwords);
  }

  terminate(): void {
    for (const worker of this.#needed.values()) worker.terminate();
    this.#passwords?.terminate();
  }

  #start(name: string, entry: URL): Worker {
    const worker = new Worker(entry, { type: "module", name, deno: { permissions: NOTHING } });
    worker.onerror = (event) => {
      event.preventDefault();
      this.#onFatal(`the ${name} thread ended: ${event.message}`);
    };
    return worker;
  }
}
