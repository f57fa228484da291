/** A mirror in this process: the request path on stores in memory, in front of an upstream that is scripted. */
import assert from "node:assert/strict";
import { parseRepositoryName, type RepositoryName } from "../../src/core/repository_name.ts";
import { LocalMirrors } from "../../src/registry/local_mirrors.ts";
import { makeMirrorRoom, remoteNameOf } from "../../src/registry/mirror_source.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { type MirrorRules, NO_RULES, type RepositoryRules } from "../../src/registry/repository_rules.ts";
import type { UpstreamTarget } from "../../src/upstream/upstream_target.ts";
import { type Client, makeClient } from "../http/request_builder.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { ScriptedUpstream } from "../upstream/scripted_upstream.ts";
import { makeClient as makeUpstreamClient } from "../upstream/upstream_trial.ts";

export const MIRROR = parseRepositoryName("hub");
/** Of the mirror, and the same upstream. */
export const APP = parseRepositoryName("hub/library/app");
export const REMOTE = parseRepositoryName("library/app");

export interface TrialOptions {
  readonly rules?: Partial<MirrorRules>;
  readonly target?: Partial<UpstreamTarget>;
  /** For rules of the repository beside the mirror's. */
  readonly repository?: Partial<RepositoryRules>;
  /** More upstreams, asked after the first. */
  readonly others?: readonly ScriptedUpstream[];
}

export interface MirrorTrial extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly registry: ModelRegistry;
  readonly client: Client;
}

export const MIRROR_RULES: MirrorRules = {
  urls: ["http://upstream.example"],
  revalidateAfter: 300_000,
  onUpstreamError: "serve-stale",
  onUpstreamNotFound: "serve-stale",
  offline: false,
};

/** `hub` mirrors the upstream; everything else is pushed. */
export async function openTrial(options: TrialOptions = {}): Promise<MirrorTrial> {
  const upstream = await ScriptedUpstream.start();
  const clients = [upstream, ...options.others ?? []].map(({ url }) =>
    makeUpstreamClient({ url, ...options.target })
  );
  const registry = makeModelRegistry();
  const room = makeMirrorRoom();
  const rules = { ...MIRROR_RULES, ...options.rules };
  const isMirror = (name: RepositoryName) => name === MIRROR || name.startsWith(`${MIRROR}/`);
  const configured: Partial<Registry> = {
    rulesOf: (name) => isMirror(name) ? { ...NO_RULES, ...options.repository, mirror: rules } : NO_RULES,
    mirrors: new LocalMirrors(
      registry,
      (name) =>
        isMirror(name)
          ? {
            ...room,
            rules,
            remotes: clients.map((upstream) => ({ upstream, name: remoteNameOf(MIRROR, "", name) })),
          }
          : undefined,
    ),
  };
  Object.assign(registry, configured);
  return {
    upstream,
    registry,
    client: makeClient(registry),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await upstream[Symbol.asyncDispose]();
      assert.equal(registry.blobs.openCount, 0, "every reader and writer is closed");
    },
  };
}
