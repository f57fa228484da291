/** The registry as commands and jobs of the server use it: by the verbs of a push, and asking nobody for permission. */
import { NO_METRICS } from "../../metrics/no_metrics.ts";
import { PullCounter } from "../../registry/pull_counter.ts";
import { LocalManifestReader } from "../../registry/read_manifest.ts";
import type { Registry } from "../../registry/registry.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import type { DataWork } from "./data_command.ts";
import { makeRegistry } from "../wire.ts";

/** By the settings of this moment. Who may give commands may bring content. */
export function registryOf(work: DataWork): Registry {
  const { settings, log, metadata } = work;
  return makeRegistry(
    settings,
    { ...work, pulls: new PullCounter(metadata, log), manifests: new LocalManifestReader(nodeHasher) },
    {
      hook: { decide: () => Promise.reject(new Error("a command asks nobody")) },
      logs: { everything: log, auth: log, audit: log },
      metrics: NO_METRICS,
    },
  );
}
