/** The command line of `export --backup`: the files of a data directory held still, a thread that takes them, a text. */
import type { Settings } from "../../config/settings.ts";
import { formatSize } from "../../core/format_size.ts";
import { makeBackupFolder, requireBackup } from "../../storage/backup/backup_folder.ts";
import type { BackupProgress, BackupReport } from "../../storage/backup/make_backup.ts";
import { Layout } from "../../storage/files/layout.ts";
import { type CommandText, errorLog, inJson } from "./ask_data.ts";
import type { StartBackup } from "../threads/backup_thread.ts";
import { backUpInThread } from "../threads/backup_worker.ts";
import { keepFiles } from "./hold_files.ts";
import { readWordsAndOptions } from "../options.ts";
import { ProgressBar } from "./progress_bar.ts";
import { UsageError } from "../usage.ts";
import { versionFacts } from "../version.ts";

/** What `export` has for the other way out. */
const BUNDLE_OPTIONS = ["bundle", "since", "sign-key", "force"];

/** True for the options of an `export` that is a backup. */
export function isBackup(args: readonly string[]): boolean {
  return args.some((arg) => arg === "--backup" || arg.startsWith("--backup="));
}

/** @throws {UsageError} and what keeps the backup from being made */
export async function runBackupLine(args: readonly string[], settings: Settings): Promise<CommandText> {
  const { words, options, valuesOf } = readWordsAndOptions(args, "export");
  const directory = options.get("backup");
  const ofBundles = BUNDLE_OPTIONS.find((name) => options.has(name) || valuesOf(name).length > 0);
  if (!directory || words.length > 0) {
    throw new UsageError("write: export --backup DIRECTORY [--previous DIRECTORY] [--copy]");
  }
  if (ofBundles !== undefined) throw new UsageError(`--${ofBundles} is for bundles and not for backups`);
  const report = await backUp(settings, {
    directory,
    previous: options.get("previous"),
    copy: options.has("copy"),
  });
  return { ok: report.damaged === 0, text: options.has("json") ? inJson(report) : describeReport(report) };
}

type Asked = Pick<StartBackup, "directory" | "previous" | "copy">;

async function backUp({ blobStore }: Settings, asked: Asked): Promise<BackupReport> {
  Deno.umask(0o077);
  const layout = new Layout(blobStore.rootDir);
  // Before the folder is made, which a second try would find in its way.
  const previous = asked.previous && await requireBackup(asked.previous);
  await using still = await keepFiles(layout, errorLog());
  const start: StartBackup = {
    rootDir: await Deno.realPath(layout.rootDir),
    directory: await makeBackupFolder(asked.directory, layout.rootDir),
    previous,
    copy: asked.copy,
    minimumFreeSpace: blobStore.minimumFreeSpace,
    version: versionFacts().version,
  };
  using bar = new ProgressBar();
  try {
    const progress = (progress: BackupProgress): void => bar.show({ ...progress, unit: "bytes" });
    return await backUpInThread({ start, progress, abandon: still.lost });
  } catch (error) {
    throw new Error(
      `the backup was not made: ${(error as Error).message}. Remove ${start.directory}, it is not whole`,
      { cause: error },
    );
  }
}

function describeReport(report: BackupReport): string {
  const {
    directory,
    blobs,
    bytes,
    linked,
    from_previous,
    copied,
    in_database,
    upload_sessions,
    damaged,
    damages,
  } = report;
  const lines = damages.map(({ digest, fault }) => `damaged: blob ${digest}: ${fault}`);
  if (damaged > damages.length) lines.push(`... and ${damaged - damages.length} more`);
  if (damaged > 0) lines.push("these are in the backup as they are in the registry; pushes heal them there");
  const shared = [
    ...(linked > 0 ? [`${linked} shared with the data directory`] : []),
    ...(from_previous > 0 ? [`${from_previous} with the previous backup`] : []),
    ...(copied > 0 ? [`${copied} copied`] : []),
    ...(in_database > 0 ? [`${in_database} in the database`] : []),
  ];
  const how = shared.length === 0 ? "" : `: ${shared.join(", ")}`;
  lines.push(`${directory} is whole: ${blobs} blobs (${formatSize(bytes)})${how}`);
  if (upload_sessions > 0) lines.push(`${upload_sessions} open uploads are not in it`);
  return `${lines.join("\n")}\n`;
}
