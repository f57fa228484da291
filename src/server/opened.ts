/** What an HTTP server opens, and what it then knows of where it listens. */
import { isOutOfReach } from "../config/read_listeners.ts";
import type { ListenAddress } from "../config/settings.ts";

/** An address of ours, or a socket that listens already and that this process has as a file descriptor. */
export type OpenAt = ListenAddress | { readonly kind: "descriptor"; readonly fd: number };

/** @param address as node:net gives it; null for a unix socket that somebody else opened */
export function openedAt(at: OpenAt, address: unknown): ListenAddress {
  if (at.kind === "unix") return at;
  if (address === null || typeof address === "string") return { kind: "unix", path: address ?? "", mode: 0 };
  const { address: host, port } = address as { address: string; port: number };
  return { kind: "tcp", host: at.kind === "tcp" ? at.host : host, port };
}

/** @throws {Error} where a socket that was handed over can be reached by others, and must not be */
export function requireLocal(at: ListenAddress): void {
  if (isOutOfReach(at)) return;
  throw new Error(
    "others can reach the socket that was handed over, and there is neither encryption nor an access policy. " +
      "Bind it to 127.0.0.1, or add [server.tls] and [global.access_policy]",
  );
}
