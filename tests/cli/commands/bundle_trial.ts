/** A registry, and the program on its data directory: beside the server, or without it once that was stopped. */
import { RegistryApi } from "../../harness/registry_api.ts";
import { captureCommand, type CommandResult, runCommand } from "../../harness/run_command.ts";
import { registryProgram, type RunningRegistry, startRegistry } from "../../harness/start_registry.ts";
import { readTar } from "../../harness/tar_archive.ts";
import type { Content } from "../../harness/build_images.ts";

export interface BundleTrial extends AsyncDisposable {
  readonly registry: RunningRegistry;
  readonly api: RegistryApi;
  /** Where the commands run. */
  readonly folder: string;
  /** Words that begin a command line of the program on this data directory. */
  readonly program: readonly string[];
  /** Runs the program, whatever comes of it. */
  run(...args: string[]): Promise<CommandResult>;
  /** Exports a bundle `name`, which has to come about; gives the files in it. */
  bundle(name: string, ...args: string[]): Promise<Map<string, Uint8Array>>;
}

/**
 * @param folder where the commands run; one of its own when absent
 * @param config of the server, TOML that follows the table [blob_store.fs]
 */
export async function makeBundleTrial(folder?: string, config = ""): Promise<BundleTrial> {
  const registry = await startRegistry({ tls: false, server: "threads = 1", config });
  const api = new RegistryApi(registry);
  const own = await Deno.makeTempDir({ prefix: "bundles-" });
  const place = folder ?? own;
  const file = `${own}/config.toml`;
  await Deno.writeTextFile(file, `[blob_store.fs]\nroot_dir = ${JSON.stringify(registry.rootDir)}\n`);
  const program = [...await registryProgram(), "-c", file];
  return {
    registry,
    api,
    folder: place,
    program,
    run: async (...args) => await captureCommand([...program, ...args], { cwd: place }),
    async bundle(name, ...args) {
      await runCommand([...program, "export", "--bundle", name, ...args], { cwd: place });
      return readTar(`${place}/${name}`);
    },
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]();
      await registry[Symbol.asyncDispose]();
      await Deno.remove(own, { recursive: true });
    },
  };
}

/** Where content lies in a layout. */
export function pathOf({ digest }: Content): string {
  return `blobs/${digest.replace(":", "/")}`;
}
