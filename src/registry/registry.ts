/** The registry: the ports that its verbs work with, and its settings. */
import type { AuthorizationHook } from "../ports/authorization_hook.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Hasher } from "../ports/hasher.ts";
import type { Inventory } from "../ports/inventory.ts";
import type { Log } from "../ports/log.ts";
import type { ManifestReader } from "../ports/manifest_reader.ts";
import type { MetadataStore } from "../ports/metadata_store.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Mirrors } from "../ports/mirrors.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { PullCounter } from "./pull_counter.ts";
import type { RepositoryRules } from "./repository_rules.ts";
import type { StandIns } from "./stand_ins.ts";

export interface RegistrySettings {
  /** Bytes. */
  readonly maxManifestSize: number;
  /** Bytes. */
  readonly maxBlobSize: number;
  /** Takes manifests whose config or layers the repository does not hold. */
  readonly allowMissingManifestReferences: boolean;
  /** How long is known who pulled; ms, 0 where pulls are not written down. */
  readonly pullHistory: number;
  /** An announcement ("the repository has this blob") younger than this is not written again; ms. */
  readonly announceAfter: number;
  /** How long a request waits for another one to let go of its upload session; ms. */
  readonly busySessionPatience: number;
}

export const DEFAULT_REGISTRY_SETTINGS: RegistrySettings = {
  maxManifestSize: 5 * 1024 ** 2,
  maxBlobSize: 100 * 1024 ** 3,
  allowMissingManifestReferences: false,
  pullHistory: 30 * 86_400_000,
  announceAfter: 10 * 60 * 1000,
  busySessionPatience: 2000,
};

/**
 * How old an announcement may become before it is written again: a client must be able to count on it for most of the
 * grace of the collection, whenever it was told. Both in ms.
 */
export function announceAfterOf(graceMs: number): number {
  return Math.min(DEFAULT_REGISTRY_SETTINGS.announceAfter, graceMs / 8);
}

export interface Registry {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly inventory: Inventory;
  readonly manifests: ManifestReader;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly log: Log;
  /** Who was allowed to change something, and who was refused what. */
  readonly audit: Log;
  readonly metrics: Metrics;
  readonly authorization: AuthorizationHook;
  readonly settings: RegistrySettings;
  /** Counts pulls; undefined where nobody wants to know. */
  readonly pulls: PullCounter | undefined;
  readonly rulesOf: (repository: RepositoryName) => RepositoryRules;
  readonly standIns: StandIns;
  /** Brings what mirrors lack; without it they serve what they have. */
  readonly mirrors: Mirrors | undefined;
}
