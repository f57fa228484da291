/** From settings and from command lines to copies: what is wanted of which registry, and how that is reached. */
import type { Settings, SyncSettings, UpstreamSettings } from "../../config/settings.ts";
import type { Platform } from "../../core/index_platforms.ts";
import { parsePlatform } from "../../core/platform_selection.ts";
import { parseRemoteReference, type RemoteRepositoryName } from "../../core/remote_repository_name.ts";
import { parseRepositoryName } from "../../core/repository_name.ts";
import { parseTagSelector, type TagSelector } from "../../core/tag_selector.ts";
import type { Copy } from "../../jobs/sync.ts";
import type { ControlArguments } from "../../server/control_socket.ts";
import { hubRepository, isDockerHub } from "../../upstream/docker_hub.ts";
import { UpstreamClient } from "../../upstream/upstream_client.ts";
import { DEFAULT_CONNECTION } from "../../config/read_mirror.ts";
import { upstreamTargetOf } from "../mirror_sources.ts";
import { withOwnAndSystemCas } from "../system_cas.ts";

/** A configured copy. */
export function copyOf(
  { from, to, tags, platforms, referrers, upstream }: SyncSettings,
  settings: Settings,
): Copy {
  return {
    ...sourceOf(from, upstream, settings),
    to,
    tags,
    digests: [],
    platforms,
    referrers,
  };
}

/**
 * A copy that somebody asks for: `from`, `to`, `tags` (of which `from` may name one, or a digest), `platforms`, `referrers`.
 *
 * @throws {Error} {OciError} for what cannot be read, with the value and what was expected
 */
export function readAskedCopy(args: ControlArguments, settings: Settings): Copy {
  const from = parseRemoteReference(textOf(args.from));
  if (from === undefined) {
    throw new Error(
      `Cannot copy from ${JSON.stringify(args.from)}: expected a repository with its registry such as ` +
        "docker.io/library/alpine:3.20",
    );
  }
  const { reference, ...name } = from;
  const tags: TagSelector[] = listOf(args.tags).map(readSelector);
  if (reference?.kind === "tag") tags.push(reference);
  const digests = reference?.kind === "digest" ? [reference.digest] : [];
  if (tags.length + digests.length === 0) {
    throw new Error(
      `Cannot copy from ${
        JSON.stringify(args.from)
      }: name a tag (:3.20), a digest (@sha256:...), or tags with --tags '3.*'`,
    );
  }
  return {
    ...sourceOf(name, undefined, settings),
    to: parseRepositoryName(textOf(args.to)),
    tags,
    digests,
    platforms: listOf(args.platforms).map(readPlatform),
    referrers: args.referrers !== false,
  };
}

function sourceOf(
  from: RemoteRepositoryName,
  own: UpstreamSettings | undefined,
  settings: Settings,
): Pick<Copy, "from" | "remote" | "open"> {
  const connection = own ?? findConnection(settings, from) ?? DEFAULT_CONNECTION;
  const upstream = { ...connection, url: from.origin };
  const { maxManifestSize } = settings.global;
  return {
    from: `${from.host}/${from.repository}`,
    remote: hubRepository(from.host, from.repository),
    open: () => new UpstreamClient(upstreamTargetOf(withOwnAndSystemCas(upstream), maxManifestSize)),
  };
}

/** How the configuration reaches a registry elsewhere; also over plain HTTP only where that is configured. */
function findConnection(
  { syncs, repositories }: Settings,
  { origin }: RemoteRepositoryName,
): UpstreamSettings | undefined {
  const known = [
    ...syncs.flatMap(({ upstream }) => upstream ?? []),
    ...repositories.flatMap(({ mirror }) => mirror?.upstreams ?? []),
  ];
  return known.find(({ url }) => isSameRegistry(new URL(url), new URL(origin)));
}

function isSameRegistry(one: URL, other: URL): boolean {
  return one.origin === other.origin ||
    (isDockerHub(one.host) && isDockerHub(other.host) && one.protocol === other.protocol);
}

function readSelector(text: string): TagSelector {
  const selector = parseTagSelector(text);
  if (selector !== undefined) return selector;
  throw new Error(
    `Cannot choose tags by ${
      JSON.stringify(text)
    }: expected a tag, a pattern such as 3.*, or a range such as >=3.18`,
  );
}

function readPlatform(text: string): Platform {
  const platform = parsePlatform(text);
  if (platform !== undefined) return platform;
  throw new Error(
    `Cannot choose platform ${JSON.stringify(text)}: expected e.g. linux/amd64 or linux/arm/v7`,
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(textOf) : [];
}
