/** A running registry, and the program run on its data directory as an administrator does. */
import { RegistryApi } from "../harness/registry_api.ts";
import { captureCommand, type CommandResult } from "../harness/run_command.ts";
import { registryProgram, type RunningRegistry, startRegistry } from "../harness/start_registry.ts";

export class DataTrial implements AsyncDisposable {
  readonly rootDir: string;
  readonly #folder: string;
  readonly #config: string;
  readonly #patienceMs: number | undefined;
  #registry: RunningRegistry | undefined;
  #api: RegistryApi | undefined;

  private constructor(folder: string, config: string, patienceMs: number | undefined) {
    this.#folder = folder;
    this.rootDir = `${folder}/data`;
    this.#config = config;
    this.#patienceMs = patienceMs;
  }

  /**
   * @param config TOML that follows the table [blob_store.fs]; where it does not say otherwise, small blobs have files as well
   * @param patienceMs how long a command may take that has much to do
   */
  static async make(config = "", patienceMs?: number): Promise<DataTrial> {
    const trial = new DataTrial(await Deno.makeTempDir({ prefix: "data-" }), config, patienceMs);
    await trial.start();
    return trial;
  }

  get registry(): RunningRegistry {
    if (this.#registry === undefined) throw new Error("No server runs");
    return this.#registry;
  }

  get api(): RegistryApi {
    if (this.#api === undefined) throw new Error("No server runs");
    return this.#api;
  }

  /** A path beside the data directory. */
  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** Starts a server, on the data directory or on another. */
  async start(rootDir = this.rootDir): Promise<void> {
    const config = /^small_blob_limit/.test(this.#config)
      ? this.#config
      : `small_blob_limit = 0\n${this.#config}`;
    const options = { tls: false, server: "threads = 1", rootDir, config };
    this.#registry = await startRegistry(options);
    this.#api = new RegistryApi(this.#registry);
    // The program reads what the server reads, and the data directory of the test.
    const text = `[blob_store.fs]\nroot_dir = ${JSON.stringify(this.rootDir)}\n${this.#config}\n`;
    await Deno.writeTextFile(this.path("config.toml"), text);
  }

  /** @param signal SIGTERM waits for the end of what is under way */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#api?.[Symbol.dispose]();
    if (signal === "SIGKILL") await this.#registry?.kill(signal);
    await this.#registry?.[Symbol.asyncDispose]();
    this.#api = this.#registry = undefined;
  }

  /** Words of a command line on this data directory. */
  async words(...args: string[]): Promise<string[]> {
    return [...await registryProgram(), "-c", this.path("config.toml"), ...args];
  }

  /** Runs the program, whatever its exit code is. */
  async run(...args: string[]): Promise<CommandResult> {
    return await captureCommand(await this.words(...args), {
      env: { NO_COLOR: "1" },
      ...(this.#patienceMs !== undefined && { timeoutMs: this.#patienceMs }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
