/** The commands on the content of a data directory, by the name that goes over the control socket. */
import type { DataCommands } from "./data_command.ts";

export const DATA_COMMANDS: DataCommands = {};
