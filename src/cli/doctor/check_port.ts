/** Looks whether the server can listen, and open as many files as its connections need. */
import { dirname } from "node:path";
import type { ListenerSettings, ServerSettings } from "../../config/settings.ts";
import { showAddress } from "../../config/show_address.ts";
import { urlOf } from "../place_url.ts";
import { describeListenFault, isTaken } from "../threads/listen_fault.ts";
import { requireListenPath } from "../threads/listen_path.ts";
import { filesNeeded } from "../files_needed.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";
import type { RunningServer } from "./check_running.ts";

/** @param rootDir the data directory */
export async function checkPort(
  listener: ListenerSettings,
  running: RunningServer | undefined,
  rootDir: string,
): Promise<Finding> {
  const { at } = listener;
  const place = showAddress(at);
  const urls = running?.urls ?? [running?.url];
  if (running !== undefined && urls.includes(urlOf({ listener, at }))) {
    return well("port", `our server (process ${running.pid}) listens at ${place}`);
  }
  try {
    if (at.kind === "tcp") Deno.listen({ hostname: at.host, port: at.port }).close();
    else {
      await requireListenPath(at.path, rootDir);
      await Deno.stat(dirname(at.path));
    }
    return well("port", at.kind === "tcp" && at.port === 0 ? "any free one" : `${place} is free`);
  } catch (error) {
    return wrong(
      "port",
      describeListenFault((error as Error).message, at),
      adviceOn(error),
    );
  }
}

/** What systemd does for a service cannot be told from outside. */
function adviceOn(error: unknown): string | undefined {
  if (isTaken(error)) return "Unless systemd holds it for the registry (systemctl list-sockets)";
  if (error instanceof Deno.errors.NotFound) {
    return "Unless systemd makes it with the service (RuntimeDirectory=)";
  }
  return undefined;
}

/** @param file one that can be read; it is opened as often as the limit allows, up to what is needed */
export function checkOpenFiles(server: ServerSettings, file: string): Finding {
  const needed = filesNeeded(server);
  const opened = countOpenable(file, needed);
  if (opened === needed) {
    return well("open files", `${needed} can be open at one time, as max_connections needs`);
  }
  return odd(
    "open files",
    `only ${opened} more can be open at one time, and server.max_connections = ${server.maxConnections} needs ${needed}`,
    `Raise the limit (ulimit -n, LimitNOFILE=${needed} of the unit), or lower max_connections`,
  );
}

/** How many this process can have open. The system has no other word on it for a program of this runtime. */
export function countOpenable(file: string, most: number): number {
  const opened: Deno.FsFile[] = [];
  try {
    while (opened.length < most) opened.push(Deno.openSync(file));
  } catch {
    // The limit: EMFILE.
  } finally {
    for (const each of opened) each.close();
  }
  return opened.length;
}
