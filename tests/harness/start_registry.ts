/** Starts the registry under test on a free loopback port, as `deno run` or as the compiled binary. */

import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { type ServerCertificateFiles, writeServerCertificate } from "./certificates.ts";
import { ServerProcess } from "./server_process.ts";
import { peerCommand } from "./peer_registry.ts";

/** What stands in [server.tls] about client certificates. */
export interface ClientAuthOptions {
  /** PEM of the CAs. */
  readonly caBundle: string;
  /** Revocation lists, PEM or DER, one a file. */
  readonly revocationLists?: readonly Uint8Array[];
  /** More lines of TOML for the table [server.tls], such as `client_auth = "required"`. */
  readonly settings?: string;
}

export interface RegistryOptions {
  /** HTTPS with a certificate made on the fly (default), or plain HTTP. */
  readonly tls?: boolean;
  /** More lines of TOML for the table [server], such as `threads = 1`. */
  readonly server?: string;
  /** Asks clients for their certificates. */
  readonly clientAuth?: ClientAuthOptions;
  /** More TOML after the tables that the harness writes. */
  readonly config?: string;
  /** The compiled binary instead of `deno run`; by default when SIMPLE_REGISTRY_BINARY names one. */
  readonly binary?: boolean;
  /** The data directory of an earlier run; by default a new one that goes with the registry. */
  readonly rootDir?: string;
  readonly env?: Record<string, string>;
  /** A program of the test that takes the place of main.ts, with every permission. */
  readonly main?: URL;
  /** Words of a command that starts the program, such as `["strace", "-D"]`, and stays its process. */
  readonly startedBy?: readonly string[];
}

export interface RunningRegistry extends AsyncDisposable {
  /** Such as "https://127.0.0.1:40123". */
  readonly url: string;
  /** Such as "127.0.0.1:40123": what clients put before a repository name. */
  readonly host: string;
  readonly port: number;
  /** PEM file of the authority that signed the server certificate. */
  readonly caFile: string;
  readonly caPem: string;
  /** Data directory of the registry. */
  readonly rootDir: string;
  /** Everything that the registry printed so far, line by line. */
  readonly logLines: readonly string[];
  readonly process: ServerProcess;
  /** Ends the registry by SIGTERM; throws when it does not end or exits other than 0. */
  stop(): Promise<void>;
  /** Sends a signal and waits for the end. */
  kill(signal: Deno.Signal): Promise<Deno.CommandStatus>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const projectRoot = fileURLToPath(new URL("../../", import.meta.url));

/** Starts a registry and resolves once it says that it listens; the disposal stops it and removes its files. */
export async function startRegistry(options: RegistryOptions = {}): Promise<RunningRegistry> {
  const workDir = await Deno.makeTempDir({ prefix: "registry-" });
  const rootDir = options.rootDir ?? `${workDir}/data`;
  try {
    const tls = await writeServerCertificate(workDir);
    const useTls = options.tls ?? true;
    const [program, ...args] = await peerCommand(workDir, rootDir, useTls ? tls : undefined) ??
      await registryCommand(workDir, rootDir, useTls ? tls : undefined, options);
    const process = new ServerProcess("The registry", program ?? "", {
      args,
      cwd: workDir,
      env: { NO_COLOR: "1", ...options.env },
    });
    const port = await process.waitForLine("a line that says it listens", readPort).catch(async (error) => {
      process.kill("SIGKILL");
      await process.ended();
      throw error;
    });
    return describeRunning(process, port, useTls, tls, rootDir, workDir);
  } catch (error) {
    await Deno.remove(workDir, { recursive: true });
    throw error;
  }
}

function describeRunning(
  process: ServerProcess,
  port: number,
  useTls: boolean,
  tls: ServerCertificateFiles,
  rootDir: string,
  workDir: string,
): RunningRegistry {
  const host = `127.0.0.1:${port}`;
  return {
    url: `${useTls ? "https" : "http"}://${host}`,
    host,
    port,
    caFile: tls.caFile,
    caPem: tls.caPem,
    rootDir,
    logLines: process.logLines,
    process,
    async stop() {
      const status = await process.stop();
      if (status.code !== 0) {
        const lines = process.logLines.slice(-20).join("\n");
        throw new Error(`The registry exited ${status.code} after SIGTERM, expected 0\n${lines}`);
      }
    },
    async kill(signal) {
      process.kill(signal);
      return await process.ended();
    },
    async [Symbol.asyncDispose]() {
      await process.stop();
      await Deno.remove(workDir, { recursive: true });
    },
  };
}

async function registryCommand(
  workDir: string,
  rootDir: string,
  tls: ServerCertificateFiles | undefined,
  options: RegistryOptions,
): Promise<string[]> {
  const config = [
    "[server]",
    'bind_address = "127.0.0.1"',
    "port = 0",
    options.server ?? "",
    ...(tls === undefined ? [] : [
      "[server.tls]",
      `server_certificate_bundle = ${JSON.stringify(tls.certificateFile)}`,
      `server_private_key = ${JSON.stringify(tls.keyFile)}`,
      ...await clientAuthLines(workDir, options.clientAuth),
    ]),
    "[blob_store.fs]",
    `root_dir = ${JSON.stringify(rootDir)}`,
    options.config ?? "",
  ];
  const configFile = `${workDir}/config.toml`;
  await Deno.writeTextFile(configFile, config.join("\n") + "\n");
  const program = options.main === undefined
    ? await registryProgram(options.binary)
    : [Deno.execPath(), "run", "--v8-flags=--expose-gc", "--allow-all", fileURLToPath(options.main)];
  return [...options.startedBy ?? [], ...program, "-c", configFile, "server"];
}

async function clientAuthLines(
  workDir: string,
  clientAuth: ClientAuthOptions | undefined,
): Promise<string[]> {
  if (clientAuth === undefined) return [];
  const caFile = `${workDir}/client-ca.pem`;
  await Deno.writeTextFile(caFile, clientAuth.caBundle);
  const lists: string[] = [];
  for (const [index, list] of (clientAuth.revocationLists ?? []).entries()) {
    lists.push(`${workDir}/client-${index}.crl`);
    await Deno.writeFile(lists[index]!, list);
  }
  return [
    `client_ca_bundle = ${JSON.stringify(caFile)}`,
    ...(lists.length > 0 ? [`client_crl_bundle = ${JSON.stringify(lists)}`] : []),
    clientAuth.settings ?? "",
  ];
}

/** The words that start the program, before its own arguments: the binary's path, or `deno run FLAGS main.ts`. */
export async function registryProgram(useBinary?: boolean): Promise<string[]> {
  const binary = Deno.env.get("SIMPLE_REGISTRY_BINARY") ?? "";
  return useBinary ?? (binary !== "")
    ? [resolve(projectRoot, binary || "build/simple-registry")]
    : [Deno.execPath(), "run", ...await readRunFlags(), `${projectRoot}main.ts`];
}

/** The flags between `deno run` and `main.ts` in the task "start" of deno.json, so that tests run with its permissions. */
async function readRunFlags(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${projectRoot}deno.json`));
  const task: string = typeof tasks.start === "string" ? tasks.start : tasks.start.command;
  const words = task.split(/\s+/);
  const end = words.findIndex((word) => word.endsWith("main.ts"));
  if (words[0] !== "deno" || words[1] !== "run" || end < 0) {
    throw new Error(
      `Cannot read the task "start" of deno.json: expected "deno run FLAGS main.ts", got "${task}"`,
    );
  }
  return words.slice(2, end);
}

function readPort(line: string): number | undefined {
  const match = /"listening".*"url":"https?:\/\/127\.0\.0\.1:(\d+)/.exec(line) ??
    /"url":"https?:\/\/127\.0\.0\.1:(\d+).*"listening"/.exec(line) ??
    /msg="?listening on 127\.0\.0\.1:(\d+)/.exec(line);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
