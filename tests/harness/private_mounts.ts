/** Runs root's container tools in a mount namespace of their own, so that their fixed paths leave nothing on the machine. */

import { REGISTRY_NAME } from "./certificates.ts";

export interface PrivateMountOptions {
  /** Folder that shall appear as /etc/docker, where dockerd looks for the authorities of registries. */
  readonly dockerConfigDir?: string;
  /** Folder that shall appear as /etc/containers/certs.d, where podman looks for certificates of registries. */
  readonly containersCertsDir?: string;
  /** Address of REGISTRY_NAME; 127.0.0.1 when absent. */
  readonly registryAddress?: string;
}

/**
 * Puts a command line into a namespace in which /run, /opt and the caches of containers/image are empty and
 * REGISTRY_NAME has its address; needs root. The program keeps the process id, so signals reach it.
 */
export function withPrivateMounts(argv: readonly string[], options: PrivateMountOptions = {}): string[] {
  const { dockerConfigDir, containersCertsDir, registryAddress = "127.0.0.1" } = options;
  const script = [
    "set -e",
    "mount -t tmpfs tmpfs /run",
    "mount -t tmpfs tmpfs /opt",
    `printf '127.0.0.1 localhost\\n${registryAddress} ${REGISTRY_NAME}\\n' > /run/hosts`,
    "mount --bind /run/hosts /etc/hosts",
    "mkdir -p /var/lib/containers",
    "mount -t tmpfs tmpfs /var/lib/containers",
    ...(dockerConfigDir === undefined
      ? []
      : ["mkdir -p /etc/docker", 'mount --bind "$DOCKER_CONFIG_DIR" /etc/docker']),
    ...(containersCertsDir === undefined
      ? []
      : ["mkdir -p /etc/containers/certs.d", 'mount --bind "$CONTAINERS_CERTS_DIR" /etc/containers/certs.d']),
    'exec "$@"',
  ];
  return [
    "env",
    ...(dockerConfigDir === undefined ? [] : [`DOCKER_CONFIG_DIR=${dockerConfigDir}`]),
    ...(containersCertsDir === undefined ? [] : [`CONTAINERS_CERTS_DIR=${containersCertsDir}`]),
    ...["unshare", "--mount", "--propagation", "private", "sh", "-c", script.join("\n"), "sh"],
    ...argv,
  ];
}
