/** A registry on the stores in memory whose clock, log and permissions a test holds in its hands. */
import type { Caller } from "../../src/core/caller.ts";
import type { Identity } from "../../src/core/identity.ts";
import { anonymousIdentity } from "../../src/core/identity.ts";
import { NO_METRICS } from "../../src/metrics/no_metrics.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { Inventory } from "../../src/ports/inventory.ts";
import type { LogFields } from "../../src/ports/log.ts";
import { LocalManifestReader } from "../../src/registry/read_manifest.ts";
import {
  DEFAULT_REGISTRY_SETTINGS,
  type Registry,
  type RegistrySettings,
} from "../../src/registry/registry.ts";
import { NO_STAND_INS } from "../../src/registry/stand_ins.ts";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import { digestOf } from "./bytes.ts";
import { MemoryBlobStore } from "./memory_blob_store.ts";
import { MemoryMetadataStore } from "./memory_metadata_store.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface ModelRegistry extends Registry {
  readonly metadata: MemoryMetadataStore;
  readonly blobs: MemoryBlobStore;
  readonly lines: LogLine[];
  /** What the hook was asked, in order. */
  readonly asked: Operation[];
  /** ms since the epoch. */
  time: number;
  /** The reason to refuse an operation, undefined to allow it. */
  refuse: (operation: Operation) => string | undefined;
}

export function makeModelRegistry(settings: Partial<RegistrySettings> = {}): ModelRegistry {
  const lines: LogLine[] = [];
  const line = (level: LogLine["level"]) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields });
  };
  const log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const registry: ModelRegistry = {
    metadata: new MemoryMetadataStore(),
    blobs: new MemoryBlobStore(),
    manifests: new LocalManifestReader({ digestOf }),
    // Tests that need one take the real stores.
    inventory: {} as Inventory,
    hasher: nodeHasher,
    clock: { now: () => registry.time },
    log,
    audit: log,
    metrics: NO_METRICS,
    authorization: {
      decide: (_caller: Caller, operation: Operation) => {
        registry.asked.push(operation);
        const reason = registry.refuse(operation);
        return Promise.resolve(
          reason === undefined ? { allowed: true, reason: "allowed" } : { allowed: false, reason },
        );
      },
    },
    settings: { ...DEFAULT_REGISTRY_SETTINGS, busySessionPatience: 60, ...settings },
    pulls: undefined,
    rulesOf: () => NO_RULES,
    standIns: NO_STAND_INS,
    mirrors: undefined,
    lines,
    asked: [],
    time: 1_700_000_000_000,
    refuse: () => undefined,
  };
  return registry;
}

export const SOMEBODY: Identity = anonymousIdentity("192.0.2.1");

/** Somebody and a request of theirs. */
export const SOME_CALLER: Caller = {
  identity: SOMEBODY,
  request: {
    id: "request-1",
    method: "GET",
    target: "/",
    scheme: "http",
    host: "registry.example",
    headerValues: () => [],
  },
};
