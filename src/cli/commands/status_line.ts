/** The `status` command: what the server that owns the data directory says of itself. */
import type { Settings } from "../../config/settings.ts";
import { Layout } from "../../storage/files/layout.ts";
import { checkRunning } from "../doctor/check_running.ts";
import { readOptions } from "../options.ts";
import { type CommandText, inJson } from "./ask_data.ts";

/**
 * @throws {UsageError}
 * @throws {Error} where no server answers, with the reason: none runs, or one holds the directory and is silent
 */
export async function runStatusLine(
  args: readonly string[],
  { blobStore: { rootDir } }: Settings,
): Promise<CommandText> {
  const options = readOptions(args, "status");
  const { running, finding } = await checkRunning(new Layout(rootDir));
  if (running === undefined) {
    const { level, message, advice } = finding;
    throw new Error(
      level === "ok" ? `no server runs on data directory ${rootDir}` : `${message}. ${advice}`,
    );
  }
  if (options.has("json")) return { ok: true, text: inJson(running) };
  const lines = Object.entries(running).map(([name, value]) =>
    `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}\n`
  );
  return { ok: true, text: lines.join("") };
}
