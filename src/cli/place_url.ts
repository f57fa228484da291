/** Where a server listens, as people and clients write it. */
import { showAddress } from "../config/show_address.ts";
import type { Place } from "./threads/http_workers.ts";

/** `https://127.0.0.1:5000`, or `unix:/run/registry.sock`; systemd does not tell the path of a unix socket that it hands over. */
export function urlOf({ listener, at }: Place): string {
  const address = showAddress(at);
  return at.kind === "unix"
    ? `unix:${address || "(handed over)"}`
    : `${listener.tls ? "https" : "http"}://${address}`;
}
