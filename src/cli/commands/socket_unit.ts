/** `systemd-unit --socket`: a unit with which systemd listens in the registry's place, also while it is restarted. */
import type { ListenerSettings, Settings } from "../../config/settings.ts";
import { showAddress } from "../../config/show_address.ts";
import { escapeSpecifiers } from "./systemd_unit.ts";
import { UsageError } from "../usage.ts";

/**
 * The text of the socket unit for one listener, and before it the steps to install it, as comments.
 *
 * @param name of the listener; undefined where there is one only
 * @param threads that accept connections: each has a socket of its own
 * @throws {UsageError} where there is no such listener, or none was named of several
 */
export function writeSocketUnit({ server }: Settings, name: string | undefined, threads: number): string {
  const listener = findListener(server.listeners, name);
  const { at } = listener;
  const unit = listener.name === "" ? "simple-registry" : `simple-registry-${listener.name}`;
  const streams = Array.from(
    { length: at.kind === "tcp" ? threads : 1 },
    () => `ListenStream=${escapeSpecifiers(showAddress(at))}`,
  );
  const rest = at.kind === "tcp"
    ? `# Each thread of the registry accepts on a socket of its own.
ReusePort=yes
NoDelay=yes`
    : `SocketMode=0${at.mode.toString(8)}`;
  return `# Install beside simple-registry.service: save this as /etc/systemd/system/${unit}.socket, then
#   systemctl daemon-reload
#   systemctl stop simple-registry
#   systemctl enable --now ${unit}.socket
[Unit]
Description=socket of simple-registry

[Socket]
${streams.join("\n")}
${rest}
FileDescriptorName=${listener.name === "" ? "registry" : listener.name}
Service=simple-registry.service
Backlog=1024

[Install]
WantedBy=sockets.target
`;
}

function findListener(listeners: readonly ListenerSettings[], name: string | undefined): ListenerSettings {
  const names = listeners.map((each) => each.name).filter((each) => each !== "");
  const found = name === undefined && listeners.length === 1
    ? listeners[0]
    : listeners.find((each) => each.name !== "" && each.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    names.length === 0
      ? "--listener needs a [server.listener] in the configuration"
      : `--listener is one of ${names.join(", ")}`,
  );
}
