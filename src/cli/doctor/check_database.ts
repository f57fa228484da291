/** Looks whether the database can be read and holds together, also while a server writes to it. */
import type { DatabaseSync } from "node:sqlite";
import { formatSize } from "../../core/format_size.ts";
import type { Layout } from "../../storage/files/layout.ts";
import { statIfThere } from "../../storage/files/stat_if_there.ts";
import { SCHEMA_VERSION, schemaVersionOf } from "../../storage/sqlite/migrations.ts";
import { openForReading } from "../../storage/sqlite/open_database.ts";
import { type Finding, well, wrong } from "./finding.ts";

const CHECK = "database";

/** Faults that are named; one is enough to know. */
const MOST_FAULTS = 3;

const RESTORE = "Stop the server, put a backup in its place, and run scrub";

/** Reads all of it, and holds up no writer: readers see a state of their own (WAL). */
export async function checkDatabase({ database: path }: Layout): Promise<Finding> {
  const info = await statIfThere(path);
  if (info === undefined) return well(CHECK, "none yet; the server makes it");
  try {
    using database = openForReading(path);
    const version = schemaVersionOf(database);
    if (version > SCHEMA_VERSION) {
      return wrong(
        CHECK,
        `its tables are version ${version}, and this program knows up to ${SCHEMA_VERSION}`,
        "Use the newer simple-registry that wrote it",
      );
    }
    const faults = faultsOf(database);
    if (faults.length > 0) return wrong(CHECK, `${path} is damaged: ${faults.join("; ")}`, RESTORE);
    const older = version < SCHEMA_VERSION
      ? ", of an earlier version; the next start brings it up to date"
      : "";
    return well(CHECK, `${formatSize(info.size)}, without faults${older}`);
  } catch (error) {
    return wrong(CHECK, `cannot read ${path}: ${(error as Error).message}`, RESTORE);
  }
}

function faultsOf(database: DatabaseSync): string[] {
  const rows = database.prepare(`PRAGMA quick_check(${MOST_FAULTS})`).all();
  const faults = rows.map((row) => String(row.quick_check)).filter((text) => text !== "ok");
  const orphans = database.prepare("PRAGMA foreign_key_check").all();
  if (orphans.length > 0) faults.push(`${orphans.length} rows name others that are not there`);
  return faults;
}
