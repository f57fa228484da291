/** How many files the server has open at the most. */

/** Descriptors beside those of connections: database, logs, the program's own. */
const OTHER_FILES = 1024;

/** One for each connection and one for the blob that it carries. */
export function filesNeeded(maxConnections: number): number {
  return 2 * maxConnections + OTHER_FILES;
}
