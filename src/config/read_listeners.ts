/** Reads where to listen: `bind_address` and `port` of `[server]`, or the tables of `[server.listener]`. */
import { type Checking, isSet, noteMissing, noteProblem } from "./checking.ts";
import { isLoopback } from "./is_loopback.ts";
import type { KeyPath } from "./key_path.ts";
import type { LISTENER } from "./schema.ts";
import type { Named, ValuesOf } from "./schema_item.ts";
import type { ListenAddress, ListenerSettings } from "./settings.ts";

/** What `[server]` says of it; everything but the listeners has a default. */
interface ServerValues {
  readonly bind_address: string;
  readonly port: number;
  readonly listener: readonly Named<typeof LISTENER>[];
}

/** A listener before it is known whether others may reach it. */
export interface ReadListener extends Omit<ListenerSettings, "mustStayLocal"> {
  /** The key that says where it listens. */
  readonly path: KeyPath;
}

const SERVER: KeyPath = ["server"];
const DEFAULT_MODE = 0o660;

/** At least one. */
export function readListeners(server: ServerValues, checking: Checking): readonly ReadListener[] {
  const hasTls = isSet(checking, ["server", "tls"]);
  const { bind_address: host, port, listener: tables } = server;
  const own: ReadListener = {
    name: "",
    at: { kind: "tcp", host, port },
    tls: hasTls,
    serves: "everything",
    path: [...SERVER, "bind_address"],
  };
  if (tables.length === 0) return [own];
  for (const name of ["bind_address", "port"]) {
    const path = [...SERVER, name];
    if (isSet(checking, path)) {
      noteProblem(checking, path, "stands beside [server.listener]: give it a table of its own there");
    }
  }
  const listeners = tables.map((table) => readListener(table, hasTls, checking));
  refuseTwins(listeners, checking);
  return listeners;
}

function readListener(
  { name, at: place, values }: Named<typeof LISTENER>,
  hasTls: boolean,
  checking: Checking,
): ReadListener {
  const table = ["server", "listener", name];
  // systemd hands sockets over by such names, which are divided by colons.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    noteProblem(checking, table, "needs a name of letters, digits, - and _", place);
  }
  const isUnix = isSet(checking, [...table, "path"]);
  checkTogether(table, isUnix, values, hasTls, checking);
  return {
    name,
    at: addressOf(values, isUnix),
    tls: isUnix ? false : values.tls ?? hasTls,
    serves: values.serves,
    path: isUnix
      ? [...table, "path"]
      : isSet(checking, [...table, "bind_address"])
      ? [...table, "bind_address"]
      : table,
  };
}

function addressOf(values: ValuesOf<typeof LISTENER>, isUnix: boolean): ListenAddress {
  if (isUnix) return { kind: "unix", path: values.path ?? "", mode: values.mode ?? DEFAULT_MODE };
  return { kind: "tcp", host: values.bind_address ?? "127.0.0.1", port: values.port ?? 8000 };
}

/** Keys that make no sense beside each other. */
function checkTogether(
  table: KeyPath,
  isUnix: boolean,
  { tls }: ValuesOf<typeof LISTENER>,
  hasTls: boolean,
  checking: Checking,
): void {
  for (const name of ["bind_address", "port"]) {
    const path = [...table, name];
    if (isUnix && isSet(checking, path)) {
      noteProblem(checking, path, "stands beside path: write one of the two");
    }
  }
  if (!isUnix && isSet(checking, [...table, "mode"])) {
    noteMissing(checking, [...table, "mode"], "needs path beside it");
  }
  if (tls !== true) return;
  const path = [...table, "tls"];
  if (isUnix) noteProblem(checking, path, "a unix socket speaks HTTP: remove it");
  else if (!hasTls) noteMissing(checking, path, "needs [server.tls]");
}

function refuseTwins(listeners: readonly ReadListener[], checking: Checking): void {
  const seen = new Map<string, string>();
  for (const { name, at, path } of listeners) {
    if (at.kind === "tcp" && at.port === 0) continue;
    const place = at.kind === "tcp" ? `${at.host} ${at.port}` : at.path;
    const twin = seen.get(place);
    if (twin !== undefined) {
      noteProblem(checking, path, `is where [server.listener.${twin}] listens already`);
    }
    seen.set(place, name);
  }
}

/** True where only this machine can connect. */
export function isOutOfReach(at: ListenAddress): boolean {
  return at.kind === "unix" || isLoopback(at.host);
}
