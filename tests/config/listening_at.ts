/** The listener of settings that have one only, on TCP. */
import assert from "node:assert/strict";
import type { ListenerSettings, Settings } from "../../src/config/settings.ts";

/** The one that `[server] bind_address, port` describes. */
export function listenerAt(host: string, port: number): ListenerSettings {
  return {
    name: "",
    at: { kind: "tcp", host, port },
    tls: false,
    serves: "everything",
    mustStayLocal: false,
  };
}

/** Where the only listener listens. */
export function placeOf({ server }: Settings): { readonly host: string; readonly port: number } {
  assert.equal(server.listeners.length, 1);
  const [{ at } = { at: undefined }] = server.listeners;
  assert.ok(at?.kind === "tcp");
  return { host: at.host, port: at.port };
}
