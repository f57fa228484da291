/** A registry on the real stores, SQLite and files, in a directory of its own. */
import { Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import { GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { SqliteInventory } from "../../src/storage/sqlite/sqlite_inventory.ts";
import { SqliteMetadataStore } from "../../src/storage/sqlite/sqlite_metadata_store.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { LocalWriter } from "../../src/storage/sqlite/writer_link.ts";
import type { Registry, RegistrySettings } from "../../src/registry/registry.ts";
import { makeModelRegistry } from "./model_registry.ts";

export interface RealRegistry extends AsyncDisposable {
  readonly registry: Registry;
  /** Names of the blob files, and of the files of upload sessions. */
  listFiles(): { blobs: string[]; uploads: string[] };
}

/** Clock, log and permissions are those of the model. Disposing of it removes the directory. */
export async function makeRealRegistry(settings: Partial<RegistrySettings> = {}): Promise<RealRegistry> {
  const layout = new Layout(await Deno.makeTempDir({ prefix: "registry-test-" }));
  makeFolders(layout);
  const commit = new GroupCommit(openForWriting(layout.database));
  const database = openForReading(layout.database);
  const reader = new SqliteReader(database, { cacheBytes: 1024 * 1024 });
  const registry: Registry = {
    ...makeModelRegistry(settings),
    metadata: new SqliteMetadataStore(reader, new LocalWriter(commit)),
    inventory: new SqliteInventory(database, new LocalWriter(commit)),
    blobs: new FileBlobStore(layout, { minimumFreeSpace: 0, cacheBytes: 1024 * 1024 }),
    hasher: nodeHasher,
  };
  return {
    registry,
    listFiles: () => ({
      blobs: [...layout.blobFolders()].flatMap(namesIn),
      uploads: namesIn(layout.uploads),
    }),
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
