/** `import`: brings content from elsewhere, in the server or without one; one import at a time. */
import { importBundle } from "../../jobs/bundle_import.ts";
import type { NameRules } from "../../jobs/bundle_names.ts";
import { importContent } from "../../jobs/import_content.ts";
import { openTreeSource, TREE_KINDS } from "../../jobs/import_sources.ts";
import type { ControlAnswer, ControlArguments, ControlCaller } from "../../server/control_socket.ts";
import { TarArchive } from "../../storage/archive/tar_archive.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import { verifierOf } from "./bundle_signature.ts";
import type { DataWork } from "./data_command.ts";
import { registryOf } from "./work_registry.ts";

/** Name of the job and of the command. */
export const IMPORT = "import";

/** The command. Its report is the answer. */
export async function runImportCommand(
  work: DataWork,
  args: ControlArguments,
  caller: ControlCaller,
): Promise<ControlAnswer> {
  const run = args.from === undefined ? importFile : importTree;
  return await work.schedule.runAlone(IMPORT, () => run(work, args, caller));
}

/** A foreign data directory that the caller can read. */
async function importTree(
  work: DataWork,
  args: ControlArguments,
  { tree, progress, signal }: ControlCaller,
): Promise<ControlAnswer> {
  const kind = TREE_KINDS.find((known) => known === args.from);
  if (tree === undefined || kind === undefined) throw new TypeError("Cannot import: no folder was given");
  await using source = await openTreeSource(kind, tree, nodeHasher, namesOf(args));
  const report = await importContent({
    registry: registryOf(work),
    source,
    dryRun: args.dry_run === true,
    signal: AbortSignal.any([signal, work.schedule.stopping]),
    progress: (what, done, total) =>
      progress({ what, done, unit: "bytes", ...(total !== undefined && { total }) }),
  });
  const { refusals: _, ...facts } = report;
  work.log.info("imported a data directory", { from: kind, ...facts });
  return { ...report };
}

/** A bundle in a file that the caller has open. */
async function importFile(
  work: DataWork,
  args: ControlArguments,
  { file, progress, signal }: ControlCaller,
): Promise<ControlAnswer> {
  if (file === undefined) throw new TypeError("Cannot import: no file was given");
  const { verify_key: key } = args;
  const report = await importBundle({
    registry: registryOf(work),
    archive: await TarArchive.open(file),
    names: namesOf(args),
    ...(typeof key === "string" && { verify: verifierOf(key, "the public key") }),
    dryRun: args.dry_run === true,
    signal: AbortSignal.any([signal, work.schedule.stopping]),
    progress: (what, done, total) =>
      progress({ what, done, unit: "bytes", ...(total !== undefined && { total }) }),
  });
  const { refusals: _, ...facts } = report;
  work.log.info("imported a bundle", { ...facts });
  return { ...report };
}

function namesOf({ to: prefix, repository }: ControlArguments): NameRules {
  return {
    ...(typeof prefix === "string" && { prefix }),
    ...(typeof repository === "string" && { repository }),
  };
}
