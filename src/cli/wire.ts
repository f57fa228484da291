/** Puts the parts of the registry together for one thread. */
import type { Settings } from "../config/settings.ts";
import type { AuthorizationHook } from "../ports/authorization_hook.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Garbage } from "../ports/garbage.ts";
import type { SessionHashes } from "../ports/hasher.ts";
import type { Inventory } from "../ports/inventory.ts";
import type { Log } from "../ports/log.ts";
import type { ManifestReader } from "../ports/manifest_reader.ts";
import type { Withdrawals } from "../ports/scrub_store.ts";
import type { MetadataStore } from "../ports/metadata_store.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Mirrors } from "../ports/mirrors.ts";
import type { PullCounter } from "../registry/pull_counter.ts";
import { announceAfterOf, DEFAULT_REGISTRY_SETTINGS, type Registry } from "../registry/registry.ts";
import { makeRepositoryRules, standInsOf } from "./repository_rules.ts";
import { Ballast, BALLAST_SIZE } from "../storage/files/ballast.ts";
import { FileBlobStore } from "../storage/files/file_blob_store.ts";
import { Layout } from "../storage/files/layout.ts";
import { RemovalHold } from "../storage/files/removals.ts";
import { nodeHasher } from "../storage/node_hasher.ts";
import { CommitCounter } from "../storage/sqlite/commit_counter.ts";
import { GroupCommit } from "../storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../storage/sqlite/open_database.ts";
import { SqliteGarbage } from "../storage/sqlite/sqlite_garbage.ts";
import { SqliteInventory } from "../storage/sqlite/sqlite_inventory.ts";
import { SqliteWithdrawals } from "../storage/sqlite/sqlite_scrub_store.ts";
import { SqliteSmallBlobs } from "../storage/sqlite/sqlite_small_blobs.ts";
import { SqliteMetadataStore } from "../storage/sqlite/sqlite_metadata_store.ts";
import { SqliteReader } from "../storage/sqlite/sqlite_reader.ts";
import { type CommandRunner, LocalWriter, RemoteWriter } from "../storage/sqlite/writer_link.ts";

/** Memory for small blobs and for manifests, in bytes, divided among the threads. */
const BLOB_CACHE = 64 * 1024 * 1024;
const MANIFEST_CACHE = 64 * 1024 * 1024;

export const systemClock: Clock = { now: () => Date.now() };

/** Where the parts of the program say what they do, each at its own level. */
export interface Logs {
  readonly everything: Log;
  readonly auth: Log;
  readonly audit: Log;
}

export interface Stores {
  readonly metadata: MetadataStore;
  readonly withdrawals: Withdrawals;
  readonly blobs: BlobStore;
  readonly inventory: Inventory;
  readonly garbage: Garbage;
}

/** What a thread needs of the writer. */
export interface WriterAccess {
  readonly port: MessagePort;
  /** Memory of its counter of commits. */
  readonly commits: SharedArrayBuffer;
}

/** What the requests of a thread work with. */
export interface RequestStores extends Stores {
  readonly pulls: PullCounter;
  readonly manifests: ManifestReader;
  /** Absent where nobody asks upstreams. */
  readonly mirrors?: Mirrors;
}

export interface OpenStores {
  readonly settings: Settings;
  /** The part of the memory for caches that this thread takes, 0 for none. */
  readonly share: number;
  /** That of all threads. */
  readonly removalHold: RemovalHold;
  /** The hashes of uploads that are not small; by default those of this thread. */
  readonly longHashes?: SessionHashes;
  readonly log: Log;
}

/** Stores of one thread of several, whose writer is another. */
export function openStores({ port, commits }: WriterAccess, options: OpenStores): Stores {
  return storesOn(new RemoteWriter(port), new CommitCounter(commits), options);
}

/**
 * Stores of a process that has the data directory for itself and no other thread; closed by whoever opened them.
 *
 * @param share as of {@linkcode OpenStores}
 * @param passing true for a directory that goes with the command: it keeps no room for deletes on a full disk
 */
export function openStoresAlone(
  settings: Settings,
  log: Log,
  { share = 0, passing = false }: { readonly share?: number; readonly passing?: boolean } = {},
): Stores & Disposable {
  const { rootDir, minimumFreeSpace } = settings.blobStore;
  const { database, ballast } = new Layout(rootDir);
  const commits = new CommitCounter();
  const room = passing ? undefined : new Ballast(ballast, BALLAST_SIZE, minimumFreeSpace);
  const commit = new GroupCommit(openForWriting(database), room, commits);
  const options: OpenStores = { settings, share, removalHold: new RemovalHold(), log };
  return {
    ...storesOn(new LocalWriter(commit), commits, options),
    [Symbol.dispose]: () => commit.close(),
  };
}

function storesOn(
  writer: CommandRunner,
  commits: CommitCounter,
  { settings, share, removalHold, longHashes, log }: OpenStores,
): Stores {
  const { blobStore } = settings;
  const layout = new Layout(blobStore.rootDir);
  const database = openForReading(layout.database);
  const reader = new SqliteReader(database, {
    cacheBytes: MANIFEST_CACHE * share,
    commits,
    onDamage(digest) {
      log.error("the bytes of a manifest are damaged; the next push of it heals it", { digest });
    },
  });
  return {
    metadata: new SqliteMetadataStore(reader, writer),
    withdrawals: new SqliteWithdrawals(writer),
    inventory: new SqliteInventory(database, writer),
    garbage: new SqliteGarbage(database, writer),
    blobs: new FileBlobStore(layout, {
      smallBlobs: new SqliteSmallBlobs(database, blobStore.smallBlobLimit),
      minimumFreeSpace: blobStore.minimumFreeSpace,
      cacheBytes: BLOB_CACHE * share,
      verifyOnRead: blobStore.verifyOnRead,
      removalHold,
      ...(longHashes !== undefined && { longHashes }),
    }),
  };
}

export function makeRegistry(
  settings: Settings,
  stores: RequestStores,
  { hook, logs, metrics }: {
    readonly hook: AuthorizationHook;
    readonly logs: Logs;
    readonly metrics: Metrics;
  },
): Registry {
  const { global } = settings;
  return {
    ...stores,
    hasher: nodeHasher,
    clock: systemClock,
    log: logs.everything,
    audit: logs.audit,
    metrics,
    authorization: hook,
    pulls: global.pullHistoryMs === undefined ? undefined : stores.pulls,
    rulesOf: makeRepositoryRules(settings),
    standIns: standInsOf(settings),
    mirrors: stores.mirrors,
    settings: {
      ...DEFAULT_REGISTRY_SETTINGS,
      announceAfter: announceAfterOf(settings.collect.graceMs),
      maxManifestSize: global.maxManifestSize,
      maxBlobSize: global.maxBlobSize,
      pullHistory: global.pullHistoryMs ?? 0,
      allowMissingManifestReferences: global.allowMissingManifestReferences,
    },
  };
}
