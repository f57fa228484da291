/** The command line: one function a command, an exit code out. */
import { ConfigError } from "../config/config_error.ts";
import { faultOfRuntime } from "../server/check_runtime.ts";
import { sendCommand } from "../server/control_socket.ts";
import { LOG_LEVELS, type LogLevel } from "../server/json_log.ts";
import { Layout } from "../storage/files/layout.ts";
import { readSettings } from "./read_settings.ts";
import { runServer } from "./run_server.ts";
import { type CommandLine, parseCommandLine, USAGE, UsageError } from "./usage.ts";
import { versionText } from "./version.ts";

const DONE = 0;
const FAILED = 1;
const WRONG = 2;

/** Runs the program; gives its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const line = parseCommandLine(args);
    const runtimeFault = faultOfRuntime(Deno.version.deno);
    if (runtimeFault !== undefined) return complain(runtimeFault, WRONG);
    return await runCommand(line);
  } catch (error) {
    if (error instanceof UsageError) return complain(`${error.message}\n\n${USAGE}`, WRONG);
    if (error instanceof ConfigError) return complain(error.message, WRONG);
    return complain((error as Error).message, FAILED);
  }
}

async function runCommand({ configFiles, words }: CommandLine): Promise<number> {
  switch (words.join(" ")) {
    case "server":
      return await runServer({ ...readSettings(configFiles), logLevel: readLogLevel() });
    case "config check":
      return checkConfig(configFiles);
    case "status":
      return await showStatus(configFiles);
    case "version":
      print(versionText());
      return DONE;
    case "":
      throw new UsageError("no command");
    default:
      if (words[0] !== "help") throw new UsageError(`unknown command: ${words.join(" ")}`);
      print(USAGE);
      return DONE;
  }
}

function checkConfig(configFiles: readonly string[]): number {
  const { settings, builtIn } = readSettings(configFiles);
  for (const warning of settings.warnings) print(`warning: ${warning}\n`);
  print(
    builtIn ? "ok (built-in configuration: no file was given and ./config.toml does not exist)\n" : "ok\n",
  );
  return DONE;
}

async function showStatus(configFiles: readonly string[]): Promise<number> {
  const { rootDir } = readSettings(configFiles).settings.blobStore;
  const answer = await sendCommand(new Layout(rootDir).controlSocket, "status");
  if (answer === undefined) return complain(`no server runs on data directory ${rootDir}`, FAILED);
  for (const [name, value] of Object.entries(answer)) print(`${name}: ${value}\n`);
  return DONE;
}

function readLogLevel(): LogLevel {
  const level = Deno.env.get("SIMPLE_REGISTRY_LOG") ?? "info";
  const known = LOG_LEVELS.find((name) => name === level);
  if (known === undefined) {
    throw new UsageError(
      `SIMPLE_REGISTRY_LOG is ${JSON.stringify(level)}: expected ${LOG_LEVELS.join(", ")}`,
    );
  }
  return known;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function complain(text: string, code: number): number {
  Deno.stderr.writeSync(new TextEncoder().encode(`simple-registry: ${text}\n`));
  return code;
}
