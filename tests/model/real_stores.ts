/** A registry on the real stores, SQLite and files, in a directory of its own. */
import { Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import { GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { SqliteInventory } from "../../src/storage/sqlite/sqlite_inventory.ts";
import { SqliteMetadataStore } from "../../src/storage/sqlite/sqlite_metadata_store.ts";
import { SqliteSmallBlobs } from "../../src/storage/sqlite/sqlite_small_blobs.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { LocalWriter } from "../../src/storage/sqlite/writer_link.ts";
import type { Registry, RegistrySettings } from "../../src/registry/registry.ts";
import { makeModelRegistry } from "./model_registry.ts";

export interface RealRegistry extends AsyncDisposable {
  readonly registry: Registry;
  /** Names of the blob files, and of the files of upload sessions. */
  listFiles(): { blobs: string[]; uploads: string[] };
  /** Digests of the blobs that the database keeps. */
  listSmallBlobs(): unknown[];
  /** Upload sessions that may have a file. */
  countSessionsWithFile(): unknown;
}

/**
 * Clock, log and permissions are those of the model. Disposing of it removes the directory.
 *
 * @param smallBlobLimit bytes up to which blobs are kept in the database
 */
export async function makeRealRegistry(
  settings: Partial<RegistrySettings> = {},
  smallBlobLimit = 0,
): Promise<RealRegistry> {
  const layout = new Layout(await Deno.makeTempDir({ prefix: "registry-test-" }));
  makeFolders(layout);
  const commit = new GroupCommit(openForWriting(layout.database));
  const database = openForReading(layout.database);
  const reader = new SqliteReader(database, { cacheBytes: 1024 * 1024 });
  const registry: Registry = {
    ...makeModelRegistry(settings),
    metadata: new SqliteMetadataStore(reader, new LocalWriter(commit)),
    inventory: new SqliteInventory(database, new LocalWriter(commit)),
    blobs: new FileBlobStore(layout, {
      minimumFreeSpace: 0,
      cacheBytes: 1024 * 1024,
      smallBlobs: new SqliteSmallBlobs(database, smallBlobLimit),
    }),
    hasher: nodeHasher,
  };
  return {
    registry,
    listFiles: () => ({
      blobs: [...layout.blobFolders()].flatMap(namesIn),
      uploads: namesIn(layout.uploads),
    }),
    listSmallBlobs: () => database.prepare("SELECT digest FROM small_blob").all().map(({ digest }) => digest),
    countSessionsWithFile: () =>
      database.prepare("SELECT count(*) AS n FROM upload_session WHERE has_file = 1").get()!.n,
    async [Symbol.asyncDispose]() {
      reader.close();
      commit.close();
      await Deno.remove(layout.rootDir, { recursive: true });
    },
  };
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name);
}
