/** Which log lines are wanted, from the environment. */
import { LOG_LEVELS, type LogLevel } from "../server/json_log.ts";
import { UsageError } from "./usage.ts";

export interface LogLevels {
  readonly everything: LogLevel;
  /** Who is who: certificate checks step by step, wrong passwords, webhooks. */
  readonly auth: LogLevel;
  /** Allowed writes and refusals, all of level info: written unless this part is named, however quiet the rest is. */
  readonly audit: LogLevel;
}

/**
 * Reads `SIMPLE_REGISTRY_LOG`, a level or a list such as `info,auth=debug`. Where it is not set, `RUST_LOG` is read as the
 * original's users write it: `simple_registry::registry::server::auth=debug` is `auth=debug`, and what it says of other
 * programs is passed over.
 *
 * @throws {UsageError} for a level or a part that does not exist
 */
export function readLogLevels(env: (name: string) => string | undefined): LogLevels {
  const own = env("SIMPLE_REGISTRY_LOG") ?? "";
  const entries = own.trim() === "" ? entriesOfRustLog(env("RUST_LOG") ?? "") : own.split(",");
  let everything: LogLevel = "info";
  const parts: { auth?: LogLevel; audit?: LogLevel } = {};
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    const level = readLevel(entry.slice(equals + 1), entry);
    const part = entry.slice(0, Math.max(0, equals)).trim();
    if (equals < 0) everything = level;
    else if (part === "auth" || part === "audit") parts[part] = level;
    else {
      throw new UsageError(
        `SIMPLE_REGISTRY_LOG names part ${JSON.stringify(part)}: the parts are "auth" and "audit"`,
      );
    }
  }
  return { everything, auth: everything, audit: "info", ...parts };
}

function readLevel(text: string, entry: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text.trim());
  if (level !== undefined) return level;
  throw new UsageError(
    `SIMPLE_REGISTRY_LOG holds ${JSON.stringify(entry)}: expected ${LOG_LEVELS.join(", ")}`,
  );
}

function entriesOfRustLog(text: string): string[] {
  return text.split(",").flatMap((entry) => {
    const [path = "", name = ""] = entry.trim().split("=", 2);
    if (!/^(simple_registry|angos)(::|$)/.test(path)) return [];
    const level = name.toLowerCase();
    // The original also has "trace", which is below our lowest, and "off".
    const known = level === "trace" ? "debug" : level === "off" ? "error" : level;
    if (!LOG_LEVELS.some((name) => name === known)) return [];
    return [path.split("::").includes("auth") ? `auth=${known}` : known];
  });
}
