/** Starts a private dockerd, containerd or buildkitd on a socket in a temporary folder and ends it by its process id. */

import { REGISTRY_NAME } from "./certificates.ts";
import { ConnectProxy } from "./connect_proxy.ts";
import { withPrivateMounts } from "./private_mounts.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./run_command.ts";
import { ServerProcess } from "./server_process.ts";
import type { RunningRegistry } from "./start_registry.ts";

/** A running engine and the client that belongs to it. */
export interface ClientEngine extends AsyncDisposable {
  /** Runs `docker ARGUMENTS`, `ctr ARGUMENTS` or `buildctl ARGUMENTS` against this engine and throws unless it exits 0. */
  run(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a dockerd that trusts the registry's authority under both of its addresses. */
export async function startDockerd(
  registry: RunningRegistry,
  flags: readonly string[] = [],
): Promise<ClientEngine> {
  const directory = await Deno.makeTempDir({ prefix: "dockerd-" });
  for (const name of [registry.host, `${REGISTRY_NAME}:${registry.port}`]) {
    await makeCertsDir(directory, name, registry);
  }
  return await startDockerdIn(directory, { flags });
}

/**
 * Starts a dockerd to which the registry is a remote one, as it has to be for client certificates. `registryHost` is what
 * stands before repository names; `certsDir` is the folder of that host below /etc/docker/certs.d, read for every command.
 */
export async function startRemoteDockerd(
  registry: RunningRegistry,
): Promise<ClientEngine & { readonly registryHost: string; readonly certsDir: string }> {
  const directory = await Deno.makeTempDir({ prefix: "dockerd-" });
  const registryHost = `${REGISTRY_NAME}:${registry.port}`;
  const certsDir = await makeCertsDir(directory, registryHost, registry);
  const proxy = new ConnectProxy(registry.port);
  try {
    // An address for documentation (RFC 5737): nothing is ever sent there.
    const engine = await startDockerdIn(directory, {
      registryAddress: "192.0.2.1",
      env: { HTTPS_PROXY: proxy.url, NO_PROXY: "" },
    });
    const dispose = async () => {
      await engine[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    };
    return { ...engine, registryHost, certsDir, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
}

async function makeCertsDir(directory: string, host: string, registry: RunningRegistry): Promise<string> {
  const certsDir = `${directory}/etc/certs.d/${host}`;
  await Deno.mkdir(certsDir, { recursive: true });
  await Deno.copyFile(registry.caFile, `${certsDir}/ca.crt`);
  return certsDir;
}

async function startDockerdIn(
  directory: string,
  { registryAddress, env, flags = [] }: {
    readonly registryAddress?: string;
    readonly env?: Record<string, string>;
    readonly flags?: readonly string[];
  },
): Promise<ClientEngine> {
  const socket = `unix://${directory}/docker.sock`;
  const argv = withPrivateMounts([
    "dockerd",
    ...["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`],
    ...["-H", socket, "--pidfile", `${directory}/pid`, "--storage-driver=vfs"],
    ...["--iptables=false", "--ip6tables=false", "--bridge=none", ...flags],
  ], { dockerConfigDir: `${directory}/etc`, ...(registryAddress !== undefined && { registryAddress }) });
  const client = (
    args: readonly string[],
  ) => ["docker", "--config", `${directory}/client`, "-H", socket, ...args];
  return await startEngine("dockerd", argv, /API listen on/, directory, client, env);
}

/** Starts a containerd with a hosts folder that names the registry's authority; `hostsDir` is added to pull and push. */
export async function startContainerd(
  registry: RunningRegistry,
): Promise<ClientEngine & { readonly hostsDir: string }> {
  const directory = await Deno.makeTempDir({ prefix: "containerd-" });
  const hostsDir = `${directory}/hosts`;
  await Deno.mkdir(`${hostsDir}/${registry.host}`, { recursive: true });
  const ca = `ca = "${registry.caFile}"`;
  await Deno.writeTextFile(
    `${hostsDir}/${registry.host}/hosts.toml`,
    [`server = "${registry.url}"`, ca, `[host."${registry.url}"]`, ca, ""].join("\n"),
  );
  const configFile = `${directory}/config.toml`;
  const disabled = ["grpc.v1.cri", "snapshotter.v1.aufs", "snapshotter.v1.btrfs", "snapshotter.v1.devmapper"];
  await Deno.writeTextFile(
    configFile,
    [
      "version = 2",
      `root = "${directory}/root"`,
      `state = "${directory}/state"`,
      `disabled_plugins = ${JSON.stringify(disabled.map((plugin) => `io.containerd.${plugin}`))}`,
      `[grpc]\naddress = "${directory}/containerd.sock"`,
      `[ttrpc]\naddress = "${directory}/ttrpc.sock"`,
    ].join("\n"),
  );
  const argv = withPrivateMounts(["containerd", "--config", configFile]);
  const client = (args: readonly string[]) => ["ctr", "--address", `${directory}/containerd.sock`, ...args];
  const engine = await startEngine("containerd", argv, /containerd successfully booted/, directory, client);
  return { ...engine, hostsDir };
}

/**
 * Starts a buildkitd by a buildkitd.toml, in which {@linkcode REGISTRY_NAME} is this machine: to the names that everybody
 * has for it, BuildKit speaks plain HTTP.
 */
export async function startBuildkitd(config: string): Promise<ClientEngine> {
  const directory = await Deno.makeTempDir({ prefix: "buildkitd-" });
  await Deno.writeTextFile(`${directory}/buildkitd.toml`, config);
  const address = `unix://${directory}/buildkitd.sock`;
  const argv = withPrivateMounts([
    "buildkitd",
    ...["--config", `${directory}/buildkitd.toml`, "--root", `${directory}/root`, "--addr", address],
    ...["--containerd-worker=false", "--oci-worker-snapshotter=native", "--oci-worker-net=host"],
  ]);
  const client = (args: readonly string[]) => ["buildctl", "--addr", address, ...args];
  return await startEngine("buildkitd", argv, /running server on/, directory, client);
}

async function startEngine(
  name: string,
  argv: readonly string[],
  ready: RegExp,
  directory: string,
  client: (args: readonly string[]) => string[],
  env: Record<string, string> = {},
): Promise<ClientEngine> {
  const [program = "", ...args] = argv;
  const process = new ServerProcess(name, program, { args, env });
  const dispose = async () => {
    await process.stop();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    await process.waitForLine(
      "a line that says it is ready",
      (line) => ready.test(line) || undefined,
      60_000,
    );
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    run: (commandArgs, options) => runCommand(client(commandArgs), options),
    [Symbol.asyncDispose]: dispose,
  };
}
