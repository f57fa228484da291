/** Gives the tests of one file a registry that all of them share, each with a repository of its own. */

import { type ClientIdentity, RegistryApi } from "./registry_api.ts";
import { type ClientNeeds, describeMissing } from "./real_clients.ts";
import { type RegistryOptions, type RunningRegistry, startRegistry } from "./start_registry.ts";
import { withPrivateMounts } from "./private_mounts.ts";
import { type CommandOptions, type CommandResult, runCommand, runFailingCommand } from "./run_command.ts";

/** A registry, an API client for it and a work folder, alive from the first to the last test of a file. */
export class SharedRegistry {
  #registry: RunningRegistry | undefined;
  #api: RegistryApi | undefined;
  #workDir: string | undefined;

  /** @param identity the client certificate of `api` */
  async start(options: RegistryOptions, identity?: ClientIdentity): Promise<void> {
    this.#workDir = await Deno.makeTempDir({ prefix: "client-" });
    await Deno.mkdir(`${this.#workDir}/run`);
    await Deno.mkdir(`${this.#workDir}/docker`);
    await Deno.writeTextFile(`${this.#workDir}/docker/config.json`, "{}");
    this.#registry = await startRegistry(options);
    this.#api = new RegistryApi(this.#registry, identity);
    // containers/image and docker want a folder that holds the authority under a name that ends in .crt
    await Deno.mkdir(`${this.#workDir}/certs`);
    await Deno.copyFile(this.#registry.caFile, `${this.#workDir}/certs/ca.crt`);
  }

  async stop(): Promise<void> {
    this.#api?.[Symbol.dispose]();
    await this.#registry?.[Symbol.asyncDispose]();
    if (this.#workDir !== undefined) await Deno.remove(this.#workDir, { recursive: true });
  }

  get registry(): RunningRegistry {
    return this.#registry ?? notStarted();
  }

  get api(): RegistryApi {
    return this.#api ?? notStarted();
  }

  /** Folder for the files of clients; goes with the registry. */
  get workDir(): string {
    return this.#workDir ?? notStarted();
  }

  /** Folder with the authority as ca.crt, for `--cert-dir`. */
  get certDir(): string {
    return `${this.workDir}/certs`;
  }

  /** "127.0.0.1:PORT/NAME" for clients. */
  at(name: string): string {
    return `${this.registry.host}/${name}`;
  }

  /** Variables that keep a client's settings and caches inside the work folder and give it the authority. */
  get env(): Record<string, string> {
    const { workDir } = this;
    return {
      HOME: workDir,
      DOCKER_CONFIG: `${workDir}/docker`,
      REGCTL_CONFIG: `${workDir}/regctl.json`,
      XDG_RUNTIME_DIR: `${workDir}/run`,
      XDG_CACHE_HOME: `${workDir}/cache`,
      XDG_CONFIG_HOME: `${workDir}/config`,
      XDG_DATA_HOME: `${workDir}/share`,
    };
  }

  /** Runs a client in the work folder with `env`; throws unless it exits 0. */
  async run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return await runCommand(argv, this.#complete(options));
  }

  /** The same for a client that must fail. */
  async runFailing(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return await runFailingCommand(argv, this.#complete(options));
  }

  /** Runs a tool of containers/image; as root its fixed cache paths are kept off the machine. */
  async runIsolated(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return await this.run(Deno.uid() === 0 ? withPrivateMounts(argv) : argv, options);
  }

  #complete(options: CommandOptions): CommandOptions {
    return { cwd: this.workDir, ...options, env: { ...this.env, ...options.env } };
  }
}

/** Starts a registry before the first test of this file and stops it after the last, unless the client is missing. */
export function shareRegistry(
  needs: ClientNeeds,
  options: RegistryOptions = {},
  identity?: ClientIdentity,
): SharedRegistry {
  const shared = new SharedRegistry();
  if (describeMissing(needs) === undefined) {
    Deno.test.beforeAll(() => shared.start(options, identity));
    Deno.test.afterAll(() => shared.stop());
  }
  return shared;
}

function notStarted(): never {
  throw new Error("The shared registry has not been started");
}
