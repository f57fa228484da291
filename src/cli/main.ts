/** The command line: one function a command, an exit code out. */
import { resolve } from "node:path";
import { TrustError } from "../auth/load_trust.ts";
import { ConfigError } from "../config/config_error.ts";
import { fileReasonOf } from "../core/file_reason.ts";
import { faultOfRuntime } from "../server/check_runtime.ts";
import { UnsafeTls } from "../server/tls_self_check.ts";
import { writeCompletion } from "./completion/completion.ts";
import { checkSettings } from "./check_settings.ts";
import { hashPasswordFromInput } from "./commands/hash_password.ts";
import { readLogLevels } from "./log_levels.ts";
import { runConvertLine } from "./commands/config_convert.ts";
import { configureClient } from "./commands/client_config_command.ts";
import { isBackup, runBackupLine } from "./commands/backup_line.ts";
import { runCollectLine } from "./commands/collect_command_line.ts";
import type { CommandText } from "./commands/ask_data.ts";
import { runExportLine } from "./commands/export_command_line.ts";
import { runImportLine } from "./commands/import_line.ts";
import { runDeleteLine, runRetentionLine, runTagsLine } from "./commands/content_command_line.ts";
import { runDoctor } from "./doctor/doctor_command.ts";
import { DATA_COMMANDS } from "./commands/data_commands.ts";
import { writeSocketUnit } from "./commands/socket_unit.ts";
import { writeUnit } from "./commands/systemd_unit.ts";
import { testPolicy } from "./commands/policy_test.ts";
import { readOptions } from "./options.ts";
import { ReadFiles } from "./reload/read_files.ts";
import { readSettings } from "./read_settings.ts";
import { runScrubLine } from "./commands/scrub_line.ts";
import { runStatusLine } from "./commands/status_line.ts";
import { runServer } from "./run_server.ts";
import { runSyncLine } from "./sync/sync_line.ts";
import {
  type CommandLine,
  describeUsage,
  parseCommandLine,
  requireCommand,
  USAGE,
  UsageError,
  usageFor,
} from "./usage.ts";
import { versionText } from "./version.ts";

const DONE = 0;
const FAILED = 1;
const WRONG = 2;

/** Runs the program; gives its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let usage = USAGE;
  try {
    const line = parseCommandLine(args);
    usage = usageFor(line.words);
    const runtimeFault = faultOfRuntime(Deno.version.deno);
    if (runtimeFault !== undefined) return complain(runtimeFault, WRONG);
    return await runCommand(line);
  } catch (error) {
    if (error instanceof UsageError) return complain(`${error.message}\n\n${usage}`, WRONG);
    if (error instanceof ConfigError || error instanceof TrustError || error instanceof UnsafeTls) {
      return complain(error.message, WRONG);
    }
    return complain(fileReasonOf(error), FAILED);
  }
}

async function runCommand({ configFiles, words, options }: CommandLine): Promise<number> {
  // One that the table does not have would be in no help and complete in no shell.
  if (words[0] !== "help") {
    const { name, options: own, arguments: further } = requireCommand(words);
    if (own === undefined && further === undefined) readOptions(options, name);
  }
  switch (words.join(" ")) {
    case "server": {
      const files = new ReadFiles();
      return await runServer({
        ...readSettings(configFiles, files.read),
        files,
        readAgain: (files) => readSettings(configFiles, files.read).settings,
        logLevels: readLogLevels((name) => Deno.env.get(name)),
      });
    }
    case "config check":
      return await checkConfig(configFiles);
    case "config convert": {
      const { ok, text, notes } = runConvertLine(options);
      print(text);
      Deno.stderr.writeSync(new TextEncoder().encode(notes));
      return ok ? DONE : FAILED;
    }
    case "hash-password":
    case "argon":
      print(await hashPasswordFromInput());
      return DONE;
    case "policy test":
      return await runPolicyTest(configFiles, options);
    case "doctor":
      return await runDoctorLine(options, configFiles);
    case "client-config":
      return await runClientConfig(options);
    case "status":
      return show(await runStatusLine(options, readSettings(configFiles).settings));
    case "collect":
      return show(await runCollectLine(options, DATA_COMMANDS, readSettings(configFiles).settings));
    case "retention":
      return show(await runRetentionLine(options, DATA_COMMANDS, readSettings(configFiles).settings));
    case "scrub":
      return show(await runScrubLine(options, DATA_COMMANDS, readSettings(configFiles).settings));
    case "sync":
      return show(await runSyncLine(options, DATA_COMMANDS, readSettings(configFiles).settings));
    case "tags history":
    case "tags restore":
      return show(
        await runTagsLine(
          words[1] as "history" | "restore",
          options,
          DATA_COMMANDS,
          readSettings(configFiles).settings,
        ),
      );
    case "delete":
      return show(await runDeleteLine(options, DATA_COMMANDS, readSettings(configFiles).settings));
    case "export": {
      const run = isBackup(options) ? runBackupLine : runExportLine;
      return show(await run(options, readSettings(configFiles).settings));
    }
    case "import":
      return show(await runImportLine(options, DATA_COMMANDS, readSettings(configFiles).settings));
    case "systemd-unit":
      print(writeUnits(options, configFiles));
      return DONE;
    case "version":
      print(versionText());
      return DONE;
    case "completion":
      print(writeCompletion(options));
      return DONE;
    default:
      print(describeUsage(words.slice(1)));
      return DONE;
  }
}

function writeUnits(args: readonly string[], configFiles: readonly string[]): string {
  const options = readOptions(args, "systemd-unit");
  const files = new ReadFiles();
  const { settings, sources } = readSettings(configFiles, files.read);
  const listener = options.get("listener");
  if (options.has("socket")) {
    return writeSocketUnit(settings, listener, settings.server.threads || navigator.hardwareConcurrency);
  }
  if (listener !== undefined) throw new UsageError("--listener goes with --socket");
  return writeUnit({
    settings,
    configFiles: sources.map((file) => resolve(file)),
    namedFiles: files.paths.filter((file) => !sources.includes(file)),
    program: Deno.build.standalone ? Deno.execPath() : undefined,
  });
}

async function checkConfig(configFiles: readonly string[]): Promise<number> {
  const { settings, builtIn } = readSettings(configFiles);
  const warnings = await checkSettings(settings, new Date());
  for (const warning of [...settings.warnings, ...warnings]) print(`warning: ${warning}\n`);
  print(
    builtIn ? "ok (built-in configuration: no file was given and ./config.toml does not exist)\n" : "ok\n",
  );
  return DONE;
}

async function runPolicyTest(configFiles: readonly string[], options: readonly string[]): Promise<number> {
  const { allowed, text } = await testPolicy(options, readSettings(configFiles).settings, new Date());
  print(text);
  return allowed ? DONE : FAILED;
}

async function runClientConfig(options: readonly string[]): Promise<number> {
  const { ok, text } = await configureClient(options);
  print(text);
  return ok ? DONE : FAILED;
}

async function runDoctorLine(options: readonly string[], configFiles: readonly string[]): Promise<number> {
  const { ok, configured, text } = await runDoctor(options, configFiles, new Date());
  print(text);
  return ok ? DONE : configured ? FAILED : WRONG;
}

function show({ ok, text }: CommandText): number {
  print(text);
  return ok ? DONE : FAILED;
}

function print(text: string): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
  } catch (error) {
    // Who reads no further, as `| head` does, has seen enough: the command is done all the same.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function complain(text: string, code: number): number {
  Deno.stderr.writeSync(new TextEncoder().encode(`simple-registry: ${text}\n`));
  return code;
}
