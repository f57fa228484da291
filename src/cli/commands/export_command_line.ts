/** The command line of `export`: from words and options to a bundle in a file or on standard output, and its report. */
import type { Settings } from "../../config/settings.ts";
import { basename } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { formatCount } from "../../core/format_count.ts";
import { formatSize } from "../../core/format_size.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import type { EarlierBundle } from "../../jobs/bundle_contents.ts";
import { type BundleReport, exportBundle } from "../../jobs/bundle_export.ts";
import { listHeldBlobs } from "../../jobs/bundle_index.ts";
import { parseSelection, type Selection } from "../../jobs/bundle_selection.ts";
import { FileSource } from "../../storage/archive/file_source.ts";
import { OutputFile } from "../../storage/archive/output_file.ts";
import { isInsideFolder } from "../../storage/files/inside_folder.ts";
import { TarArchive } from "../../storage/archive/tar_archive.ts";
import { type ByteSink, TarWriter } from "../../storage/archive/tar_writer.ts";
import { type CommandText, errorLog, inJson } from "./ask_data.ts";
import { readSigner, type Signer } from "./bundle_signature.ts";
import { Interruption } from "./interruption.ts";
import { openContent } from "./open_content.ts";
import { readWordsAndOptions } from "../options.ts";
import { ProgressBar } from "./progress_bar.ts";
import { UsageError } from "../usage.ts";

/** What stands for standard output. */
const STANDARD_OUTPUT = "-";

interface AskedBundle {
  readonly path: string;
  readonly selections: readonly Selection[];
  readonly since: readonly string[];
  readonly sign: Signer | undefined;
  readonly force: boolean;
}

/** @throws {UsageError} and what keeps the bundle from being written */
export async function runExportLine(args: readonly string[], settings: Settings): Promise<CommandText> {
  const { words, options, valuesOf } = readWordsAndOptions(args, "export");
  const path = options.get("bundle");
  if (!path || words.length === 0) {
    throw new UsageError("write: export --bundle FILE REPOSITORY[:TAG|@DIGEST]...");
  }
  const key = options.get("sign-key");
  const asked: AskedBundle = {
    path,
    selections: words.map(readSelection),
    since: valuesOf("since"),
    sign: key === undefined ? undefined : readSigner(key),
    force: options.has("force"),
  };
  const report = await writeBundle(asked, settings);
  const text = options.has("json") ? inJson({ file: path, ...report }) : describeReport(report, asked);
  const ok = report.lacking.length === 0;
  if (path !== STANDARD_OUTPUT) return { ok, text };
  Deno.stderr.writeSync(new TextEncoder().encode(text));
  return { ok, text: "" };
}

async function writeBundle(asked: AskedBundle, settings: Settings): Promise<BundleReport> {
  const earlier = await readEarlier(asked.since);
  using interruption = new Interruption();
  await using content = await openContent(settings, errorLog());
  await using file = asked.path === STANDARD_OUTPUT ? undefined : await openOutput(asked, settings);
  using bar = new ProgressBar();
  const report = await exportBundle({
    content: content.metadata,
    endOfReading: () => content.endOfReading(),
    blobs: content.blobs,
    hasher: nodeHasher,
    selections: asked.selections,
    earlier,
    ...(asked.sign !== undefined && { sign: asked.sign }),
    archive: new TarWriter(file ?? standardOutput()),
    requireRoom: async (bytes) => await file?.requireRoom(bytes),
    progress: (what, done, total) =>
      bar.show({
        what: what === "bytes" ? "writing" : what,
        done,
        ...(total !== undefined && { total }),
        unit: what === "bytes" ? "bytes" : "items",
      }),
    signal: AbortSignal.any([interruption.signal, content.lost]),
  });
  await file?.finish();
  return report;
}

/** @throws {Error} for a place in the data directory, where `--force` would replace the database itself */
async function openOutput({ path, force }: AskedBundle, { blobStore }: Settings): Promise<OutputFile> {
  if (await isInsideFolder(path, blobStore.rootDir)) {
    throw new Error(`Cannot write ${path}: it is in the data directory ${blobStore.rootDir}`);
  }
  return await OutputFile.open(path, { mayReplace: force });
}

async function readEarlier(paths: readonly string[]): Promise<Map<Digest, EarlierBundle>> {
  const all = new Map<Digest, EarlierBundle>();
  const bundles = new Map<Digest, EarlierBundle>();
  for (const path of paths) {
    try {
      using source = await FileSource.open(path);
      const held = await listHeldBlobs(await TarArchive.open(source), basename(path), nodeHasher);
      for (const [digest, bundle] of held) {
        if (!bundles.has(bundle.id)) bundles.set(bundle.id, bundle);
        all.set(digest, bundles.get(bundle.id)!);
      }
    } catch (error) {
      throw new Error(`Cannot use --since ${path}: ${(error as Error).message}`, { cause: error });
    }
  }
  return all;
}

function readSelection(text: string): Selection {
  try {
    return parseSelection(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function standardOutput(): ByteSink {
  if (Deno.stdout.isTerminal()) {
    throw new UsageError(
      "--bundle - writes an archive, which is nothing for a terminal: give a file or a pipe",
    );
  }
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    },
  };
}

function describeReport(report: BundleReport, { path }: AskedBundle): string {
  const { left_out: leftOut, lacking } = report;
  const lines = [
    `${path === STANDARD_OUTPUT ? "the bundle" : path} holds ${formatCount(report.tags, "tag")}, ` +
    `${formatCount(report.manifests, "manifest")} and ${formatCount(report.blobs, "blob")} ` +
    `in ${formatSize(report.size)}` +
    `${report.signed ? ", signed" : ""}`,
    `its name among bundles: ${report.bundle}`,
  ];
  if (leftOut.blobs > 0) {
    lines.push(
      `left out: ${formatCount(leftOut.blobs, "blob")} (${
        formatSize(leftOut.bytes)
      }); import these before it:`,
    );
    for (const { id, name } of leftOut.earlier) lines.push(`  ${name} ${id}`);
  }
  for (const { repository, manifest, blob } of lacking) {
    lines.push(
      `missing here and there: ${repository}@${manifest} needs ${blob}, which ${repository} does not have`,
    );
  }
  return `${lines.join("\n")}\n`;
}
