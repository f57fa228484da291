/** Addresses as messages and the log show them. */
import type { ListenAddress } from "./settings.ts";

/** `127.0.0.1:5000`, `[::1]:5000`, or the path of a unix socket. */
export function showAddress(at: ListenAddress): string {
  if (at.kind === "unix") return at.path;
  return `${at.host.includes(":") ? `[${at.host}]` : at.host}:${at.port}`;
}
