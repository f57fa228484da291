/** What `version` prints: the program's version and those of what it stands on. */
import { DatabaseSync } from "node:sqlite";
import manifest from "../../deno.json" with { type: "json" };

/** Versions by name, as the control socket and the log give them. */
export function versionFacts(): { version: string; deno: string } {
  return { version: manifest.version, deno: Deno.version.deno };
}

export function versionText(): string {
  const { version, deno } = versionFacts();
  return `simple-registry ${version}\nDeno ${deno}\nSQLite ${sqliteVersion()}\n`;
}

function sqliteVersion(): string {
  const database = new DatabaseSync(":memory:");
  try {
    return String(database.prepare("SELECT sqlite_version() AS version").get()!.version);
  } finally {
    database.close();
  }
}
