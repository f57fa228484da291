/** Runs root's container tools in a mount namespace of their own, so that their fixed paths leave nothing on the machine. */

import { REGISTRY_NAME } from "./certificates.ts";

export interface PrivateMountOptions {
  /** Folder that shall appear as /etc/docker, where dockerd looks for the authorities of registries. */
  readonly dockerConfigDir?: string;
}

const HOSTS = `127.0.0.1 localhost ${REGISTRY_NAME}`;

/**
 * Puts a command line into a namespace in which /run, /opt and the caches of containers/image are empty and
 * REGISTRY_NAME is 127.0.0.1; needs root. The program keeps the process id, so signals reach it.
 */
export function withPrivateMounts(argv: readonly string[], options: PrivateMountOptions = {}): string[] {
  const script = [
    "set -e",
    "mount -t tmpfs tmpfs /run",
    "mount -t tmpfs tmpfs /opt",
    `echo "${HOSTS}" > /run/hosts`,
    "mount --bind /run/hosts /etc/hosts",
    "mkdir -p /var/lib/containers",
    "mount -t tmpfs tmpfs /var/lib/containers",
    ...(options.dockerConfigDir === undefined
      ? []
      : ["mkdir -p /etc/docker", 'mount --bind "$DOCKER_CONFIG_DIR" /etc/docker']),
    'exec "$@"',
  ];
  return [
    "env",
    ...(options.dockerConfigDir === undefined ? [] : [`DOCKER_CONFIG_DIR=${options.dockerConfigDir}`]),
    ...["unshare", "--mount", "--propagation", "private", "sh", "-c", script.join("\n"), "sh"],
    ...argv,
  ];
}
