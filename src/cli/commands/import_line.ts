/** The command line of `import`: from words and options to content that comes, a bar on the terminal, and a report. */
import type { Settings } from "../../config/settings.ts";
import { formatCount } from "../../core/format_count.ts";
import type { BundleImportReport } from "../../jobs/bundle_import.ts";
import { TREE_KINDS, type TreeKind } from "../../jobs/import_sources.ts";
import type { ImportReport } from "../../jobs/import_report.ts";
import { DirectoryTree } from "../../storage/files/directory_tree.ts";
import { FileSource } from "../../storage/archive/file_source.ts";
import { type CommandText, errorLog, inJson } from "./ask_data.ts";
import { readKeyFile, verifierOf } from "./bundle_signature.ts";
import { type DataCommands, runDataCommand } from "./data_command.ts";
import { describeArrivals, describeRefusals } from "./describe_arrivals.ts";
import { IMPORT } from "./import_command.ts";
import { Interruption } from "./interruption.ts";
import { type Options, readWordsAndOptions } from "../options.ts";
import { ProgressBar } from "./progress_bar.ts";
import { spoolInput } from "./spool_input.ts";
import { UsageError } from "../usage.ts";

/** What stands for standard input. */
const STANDARD_INPUT = "-";

/** @throws {UsageError} and what keeps the content from coming */
export async function runImportLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const { words, options } = readWordsAndOptions(args, "import");
  const from = readOrigin(words, options);
  const key = options.get("verify-key");
  const pem = key === undefined ? undefined : readKeyFile(key);
  if (pem !== undefined) verifierOf(pem, key!);
  using interruption = new Interruption();
  using bar = new ProgressBar();
  const { signal } = interruption;
  using file = from.kind === undefined ? await openFile(from.path, bar, signal) : undefined;
  using tree = from.kind === undefined ? undefined : await DirectoryTree.open(from.path);
  let report: AnyReport;
  try {
    report = await runDataCommand({
      commands,
      name: IMPORT,
      args: {
        from: from.kind,
        dry_run: options.has("dry-run"),
        to: options.get("to"),
        repository: options.get("repository"),
        verify_key: pem,
      },
      settings,
      log: errorLog(),
      onProgress: (progress) => bar.show(progress),
      ...(file !== undefined && { file }),
      ...(tree !== undefined && { tree }),
      signal,
      absentData: options.has("dry-run") ? "imagine" : "make",
    }) as unknown as AnyReport;
  } catch (error) {
    if (signal.aborted) {
      throw new Error("interrupted: what came stays, and the next import goes on", { cause: error });
    }
    throw new Error(`Cannot import ${from.path}: ${(error as Error).message}`, { cause: error });
  }
  const text = options.has("json") ? inJson(report) : describeReport(report);
  return { ok: report.complete && report.refused === 0, text };
}

/** That of a bundle says more. */
type AnyReport = ImportReport & Partial<BundleImportReport>;

interface Origin {
  readonly path: string;
  /** undefined for an archive in a file. */
  readonly kind: TreeKind | undefined;
}

/** @throws {UsageError} where it is not one thing that is to come */
function readOrigin(words: readonly string[], options: Options): Origin {
  const kinds = TREE_KINDS.filter((kind) => options.has(`from-${kind}`));
  const origins: Origin[] = [
    ...words.map((path) => ({ path, kind: undefined })),
    ...kinds.map((kind) => ({ path: options.get(`from-${kind}`)!, kind })),
  ];
  const [origin, ...more] = origins;
  if (!origin?.path || more.length > 0) {
    throw new UsageError(
      `write: import FILE, - for standard input, or one of ${
        TREE_KINDS.map((kind) => `--from-${kind} DIRECTORY`).join(", ")
      }`,
    );
  }
  if (origin.kind !== undefined && options.has("verify-key")) {
    throw new UsageError("--verify-key is for bundles: a data directory has no signature");
  }
  return origin;
}

async function openFile(path: string, bar: ProgressBar, signal: AbortSignal): Promise<FileSource> {
  if (path !== STANDARD_INPUT) return await FileSource.open(path);
  if (Deno.stdin.isTerminal()) {
    throw new UsageError("import - reads an archive, and standard input is a terminal");
  }
  const onBytes = (done: number) => bar.show({ what: "reading", done, unit: "bytes" });
  return await spoolInput(Deno.stdin.readable, onBytes, signal);
}

function describeReport(report: AnyReport): string {
  const { refused, waits_for: waitsFor = [], complete, signature } = report;
  const lines = describeRefusals(report);
  for (const { name, id, blobs, digests } of waitsFor) {
    lines.push(
      `import ${name} first (${id}): ${formatCount(blobs, "blob")} of it missing here, such as ${digests[0]}`,
    );
  }
  lines.push(
    `${describeArrivals(report, report.dry_run)}${refused === 0 ? "" : `; ${refused} could not come`}`,
  );
  if (!complete) lines.push("stopped before the end, the next import goes on from here");
  if (signature === "verified") lines.push("its signature was verified");
  if (signature === "not checked") {
    lines.push("it is signed, and nobody has checked that: add --verify-key FILE");
  }
  return `${lines.join("\n")}\n`;
}
