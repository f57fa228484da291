/** Damages what lies in a data directory behind the registry's back, as disks and careless people do. */
import { DatabaseSync } from "node:sqlite";

/** Path of the one file that holds a blob. */
export function blobPath(rootDir: string, digest: string): string {
  const [algorithm, hex] = digest.split(":") as [string, string];
  const folder = `${rootDir}/blobs/${algorithm}/${hex.slice(0, 2)}`;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith(hex));
  if (names.length !== 1) throw new Error(`${names.length} files hold ${digest}, expected 1`);
  return `${folder}/${names[0]}`;
}

export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Turns one bit over; the size stays. */
export function flipBit(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[at]! ^= 1;
  Deno.writeFileSync(path, bytes);
}

/** Turns one bit of a stored manifest over. */
export function flipManifestBit(rootDir: string, digest: string, at: number): void {
  flipBitIn("content", rootDir, digest, at);
}

/** Turns one bit of a blob over that the database keeps. */
export function flipSmallBlobBit(rootDir: string, digest: string, at: number): void {
  flipBitIn("small_blob", rootDir, digest, at);
}

function flipBitIn(table: "content" | "small_blob", rootDir: string, digest: string, at: number): void {
  changeDatabase(rootDir, (database) => {
    const { bytes } = database.prepare(`SELECT bytes FROM ${table} WHERE digest = ?`).get(digest) as {
      bytes: Uint8Array;
    };
    bytes[at]! ^= 1;
    database.prepare(`UPDATE ${table} SET bytes = ? WHERE digest = ?`).run(bytes, digest);
  });
}

/** Runs statements on the database of a data directory, in use or not, without the rules that hold between its tables. */
export function changeDatabase<T>(rootDir: string, change: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(`${rootDir}/registry.db`);
  try {
    database.exec("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = OFF;");
    return change(database);
  } finally {
    database.close();
  }
}
