/** Looks whether the server can listen, and open as many files as its connections need. */
import type { ServerSettings } from "../../config/settings.ts";
import { describeListenFault } from "../listen_fault.ts";
import { filesNeeded } from "../files_needed.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";
import type { RunningServer } from "./check_running.ts";

export function checkPort(
  { bindAddress, port }: Pick<ServerSettings, "bindAddress" | "port">,
  running: RunningServer | undefined,
): Finding {
  const at = `${bindAddress.includes(":") ? `[${bindAddress}]` : bindAddress}:${port}`;
  if (running?.url.endsWith(`://${at}`)) {
    return well("port", `our server (process ${running.pid}) listens at ${at}`);
  }
  try {
    Deno.listen({ hostname: bindAddress, port }).close();
    return well("port", port === 0 ? "any free one" : `${at} is free`);
  } catch (error) {
    return wrong("port", describeListenFault((error as Error).message, bindAddress, port));
  }
}

/** @param file one that can be read; it is opened as often as the limit allows, up to what is needed */
export function checkOpenFiles({ maxConnections }: ServerSettings, file: string): Finding {
  const needed = filesNeeded(maxConnections);
  const opened = countOpenable(file, needed);
  if (opened === needed) {
    return well("open files", `${needed} can be open at one time, as max_connections needs`);
  }
  return odd(
    "open files",
    `only ${opened} more can be open at one time, and server.max_connections = ${maxConnections} needs ${needed}`,
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
