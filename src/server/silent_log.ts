/** A log that nobody reads, for work whose report tells everything. */
import type { Log } from "../ports/log.ts";

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
