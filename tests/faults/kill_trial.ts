/** One data directory over many starts of a registry, the clients that work on it, and what must hold after each start. */
import { type RegistryOptions, type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { KillClient } from "./kill_load.ts";
import { forgetConnections } from "./send_request.ts";
import { checkRowsHaveFiles, waitUntilNothingIsLeft } from "./store_agreement.ts";

/**
 * Restarts through which a client goes on working, and as many more in which what it left is read back: a loss may show
 * only then. After that others take its place, or each check would be longer than the last.
 */
const RESTARTS = 10;

const GRACE_MS = 1000;

/** What was told is written down anew after an eighth of the grace: it is there for the other seven. */
const PROMISE_MS = GRACE_MS * 7 / 8;

/** Garbage goes all the time, as soon as it may. */
const CONFIG = `
[collect]
interval = "100ms"
grace = "${GRACE_MS}ms"
[global]
tag_history = "0s"`;

export class KillTrial implements AsyncDisposable {
  readonly rootDir: string;
  readonly #count: number;
  #starts = 0;
  #working: KillClient[] = [];
  #former: KillClient[] = [];
  #killedAt = performance.now();
  #slowestMs = 0;
  #acknowledged = 0;

  private constructor(rootDir: string, clients: number) {
    this.rootDir = rootDir;
    this.#count = clients;
  }

  static async make(clients: number): Promise<KillTrial> {
    return new KillTrial(await Deno.makeTempDir({ prefix: "killed-" }), clients);
  }

  /** The longest time from start to listening, in ms. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** Writes that were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /**
   * Starts a registry and reads back what was done with the former ones: everything is as the answers said, uploads go on
   * where they were, and rows have their files.
   */
  async start(options: RegistryOptions = {}): Promise<RunningRegistry> {
    const startedAt = performance.now();
    const registry = await startRegistry({
      config: CONFIG,
      ...options,
      rootDir: this.rootDir,
      tls: false,
    });
    forgetConnections();
    try {
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
      checkRowsHaveFiles(this.rootDir);
      const restart = { killedAt: this.#killedAt, startedAt };
      await Promise.all(
        [...this.#former, ...this.#working].map((client) => client.check(registry.url, restart)),
      );
      if (this.#starts++ % RESTARTS === 0) await this.#replaceClients();
      return registry;
    } catch (error) {
      await registry[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Lets the clients work until the registry is gone; gives how many writes it acknowledged. */
  async workUntilKilled({ url }: RunningRegistry): Promise<number> {
    const sum = () => this.#working.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    const before = sum();
    await Promise.all(this.#working.map((client) => client.workUntilKilled(url)));
    this.#killedAt = performance.now();
    const done = sum() - before;
    this.#acknowledged += done;
    return done;
  }

  /** Waits for the end of a registry that nobody works with; what may be collected, may have been until then. */
  async waitForEnd({ process }: RunningRegistry): Promise<void> {
    await process.ended();
    this.#killedAt = performance.now();
  }

  /** Lets the clients finish what they have begun: nobody works any more. */
  async finishUploads(): Promise<void> {
    await using _registry = await this.start();
    await Promise.all(this.#working.map((client) => client.finishUpload()));
    this.#killedAt = performance.now();
  }

  /** Starts a registry that soon ends uploads that nobody goes on with. */
  startToSettle(options: RegistryOptions = {}): Promise<RunningRegistry> {
    return this.start({ ...options, config: `${CONFIG}\nupload_expiry = "1s"` });
  }

  /** In the end nothing is left that nobody needs, and what is needed is there; when nobody works any more. */
  async settle(): Promise<void> {
    await using registry = await this.startToSettle();
    const startedAt = performance.now();
    await waitUntilNothingIsLeft(this.rootDir);
    for (const client of [...this.#former, ...this.#working]) {
      await client.check(registry.url, { killedAt: performance.now(), startedAt });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.rootDir, { recursive: true });
  }

  async #replaceClients(): Promise<void> {
    await Promise.all(this.#working.map((client) => client.finishUpload()));
    this.#former = this.#working;
    const clients: KillClient[] = [];
    for (let i = 0; i < this.#count; i++) {
      const repository = `from-${this.#starts}/client-${i}`;
      clients.push(new KillClient({ repository, promiseMs: PROMISE_MS, others: clients }));
    }
    this.#working = clients;
  }
}
