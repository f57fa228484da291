/** The commands on the content of a data directory, by the name that goes over the control socket. */
import { COLLECT, runCollectCommand } from "./collect_command.ts";
import type { DataCommands } from "./data_command.ts";
import { HOLD_FILES, holdFilesByCommand } from "./hold_files.ts";
import { IMPORT, runImportCommand } from "./import_command.ts";
import { runRetentionCommand } from "./retention_command.ts";
import { runScrubCommand } from "./scrub_command.ts";
import { runSyncCommand, SYNC } from "../sync/sync_command.ts";
import { deleteTagsByCommand, restoreTagByCommand, showTagHistory } from "./tag_commands.ts";

export const DATA_COMMANDS: DataCommands = {
  [COLLECT]: runCollectCommand,
  [HOLD_FILES]: holdFilesByCommand,
  [IMPORT]: runImportCommand,
  retention: runRetentionCommand,
  scrub: runScrubCommand,
  [SYNC]: runSyncCommand,
  "tags history": showTagHistory,
  "tags restore": restoreTagByCommand,
  delete: deleteTagsByCommand,
};
