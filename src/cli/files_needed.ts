/** How many files the server has open at the most. */
import type { ServerSettings } from "../config/settings.ts";

/** Descriptors beside those of connections: database, logs, the program's own. */
const OTHER_FILES = 1024;

/** One for each connection of each listener and one for the blob that it carries. */
export function filesNeeded({ maxConnections, listeners }: ServerSettings): number {
  const serving = listeners.filter(({ serves }) => serves === "everything").length;
  return maxConnections * (serving + listeners.length) + OTHER_FILES;
}
