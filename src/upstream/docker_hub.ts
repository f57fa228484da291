/** The names of Docker Hub, which answers elsewhere than at `docker.io` and keeps its own images below `library/`. */
import type { RepositoryName } from "../core/repository_name.ts";

const HUB_HOSTS = new Set([
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "registry.hub.docker.com",
]);

export const HUB_NAMESPACE = "docker.io";

const HUB_API = "registry-1.docker.io";

/** @param host with a port, where there is one */
export function isDockerHub(host: string): boolean {
  return HUB_HOSTS.has(host);
}

/** The URL to ask in place of the one that people write. */
export function apiUrlOf(url: URL): URL {
  const api = new URL(url);
  if (isDockerHub(api.host)) api.host = HUB_API;
  return api;
}

/** `alpine` is `library/alpine` there. */
export function hubRepository(host: string, repository: RepositoryName): RepositoryName {
  return isDockerHub(host) && !repository.includes("/")
    ? `library/${repository}` as RepositoryName
    : repository;
}
