/** Why an address cannot be listened on, in words, and what to do. */
import type { ListenAddress } from "../../config/settings.ts";
import { showAddress } from "../../config/show_address.ts";

const TAKEN = /EADDRINUSE|os error 98\b/;

/** True where the system says that somebody listens at an address already. */
export function isTaken(fault: unknown): boolean {
  return TAKEN.test((fault as Error).message);
}

/** @param reason the system's, such as "listen EADDRINUSE: address already in use" or "Permission denied (os error 13)" */
export function describeListenFault(reason: string, at: ListenAddress): string {
  const sentence = `Cannot listen at ${showAddress(at)}`;
  if (TAKEN.test(reason)) {
    return `${sentence}: another program listens there. Stop it, or choose another ${
      at.kind === "tcp" ? "[server] port" : "path"
    }`;
  }
  if (at.kind === "tcp" && /EADDRNOTAVAIL|os error 99\b/.test(reason)) {
    return `${sentence}: this machine has no such address. Choose another [server] bind_address`;
  }
  if (at.kind === "tcp" && /EACCES|os error 13\b/.test(reason)) {
    return `${sentence}: the system does not let this user. Ports below 1024 need CAP_NET_BIND_SERVICE; ` +
      `choose another [server] port`;
  }
  if (at.kind === "unix" && /ENOENT|os error 2\b/.test(reason)) {
    return `${sentence}: its folder does not exist. Make it, or choose another path`;
  }
  return `${sentence}: ${reason}`;
}
