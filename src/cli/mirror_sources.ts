/** The upstreams of all mirrors, made from the settings. */
import type { MirrorSettings, RepositorySettings, Settings, UpstreamSettings } from "../config/settings.ts";
import { findCovering } from "../core/covering_name.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Upstream } from "../ports/upstream.ts";
import { countedUpstream } from "../registry/counted_upstream.ts";
import {
  makeMirrorRoom,
  type MirrorRoom,
  type MirrorSource,
  remoteNameOf,
} from "../registry/mirror_source.ts";
import { hubRepository } from "../upstream/docker_hub.ts";
import { UpstreamClient } from "../upstream/upstream_client.ts";
import type { UpstreamTarget } from "../upstream/upstream_target.ts";
import { mirrorRulesOf } from "./repository_rules.ts";

interface Mirror {
  readonly name: RepositoryName;
  readonly settings: MirrorSettings;
  readonly room: MirrorRoom;
  readonly upstreams: readonly { readonly client: Upstream; readonly url: URL }[];
}

/** Sees each upstream before it is used. */
export type WrapUpstream = (upstream: Upstream) => Upstream;

/** Gives the source of a repository, undefined where it is no mirror. */
export function makeMirrorSources(
  { repositories, global }: Settings,
  metrics: Metrics,
  wrap: WrapUpstream = (upstream) => upstream,
): (repository: RepositoryName) => MirrorSource | undefined {
  const byName = new Map(repositories.map((repository) => {
    return [repository.name as string, openMirror(repository, global.maxManifestSize, metrics, wrap)];
  }));
  return (repository) => {
    const mirror = findCovering(byName, repository);
    return mirror && {
      ...mirror.room,
      rules: mirrorRulesOf(mirror.settings),
      remotes: mirror.upstreams.map(({ client, url }) => ({
        upstream: client,
        name: hubRepository(
          url.host,
          remoteNameOf(mirror.name, url.pathname.replace(/^\/|\/$/g, ""), repository),
        ),
      })),
    };
  };
}

function openMirror(
  { name, mirror }: RepositorySettings,
  maxManifestSize: number,
  metrics: Metrics,
  wrap: WrapUpstream,
): Mirror | undefined {
  return mirror && {
    name,
    settings: mirror,
    room: makeMirrorRoom(),
    upstreams: mirror.upstreams.map((settings) => ({
      client: wrap(countedUpstream(new UpstreamClient(upstreamTargetOf(settings, maxManifestSize)), metrics)),
      url: new URL(settings.url),
    })),
  };
}

/** @param maxManifestSize bytes */
export function upstreamTargetOf(settings: UpstreamSettings, maxManifestSize: number): UpstreamTarget {
  const { credential, serverCa, clientCertificate, ...others } = settings;
  return {
    ...others,
    username: credential?.username,
    password: credential?.password,
    trustedCas: serverCa?.pem,
    clientCertificate,
    maxManifestSize,
  };
}
