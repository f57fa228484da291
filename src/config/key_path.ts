/** Paths of keys, written as TOML writes them. */
import { quote } from "../core/quote.ts";

export type KeyPath = readonly string[];

/** `server.tls.port`; a name that TOML would not take bare is quoted: `repository."team/app"`. */
export function formatKeyPath(path: KeyPath): string {
  return path.map((name) => isShortBareKey(name) ? name : quote(name)).join(".");
}

function isShortBareKey(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,100}$/.test(name);
}
