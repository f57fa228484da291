/** Asks the running server how it is, over its control socket. */
import { sendCommand } from "../../server/control_socket.ts";
import type { Layout } from "../../storage/files/layout.ts";
import { ownerOf } from "../../storage/files/directory_lock.ts";
import { versionFacts } from "../version.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";

const CHECK = "server";

/** ms that a server has for its answer. */
const PATIENCE_MS = 5_000;

/** What the command `status` answers. */
export interface RunningServer {
  readonly pid: number;
  readonly version: string;
  readonly url: string;
  /** Where there are several. */
  readonly urls?: readonly string[];
  readonly started: string;
  readonly threads: number;
  /** Why it cannot read and write; absent where it can. */
  readonly not_ready?: string;
}

/** The server that owns the directory, undefined when none runs; and what is to be said of it. */
export async function checkRunning(
  layout: Layout,
  patienceMs = PATIENCE_MS,
): Promise<{ running: RunningServer | undefined; finding: Finding }> {
  let running: RunningServer | undefined;
  try {
    running = await ask(layout.controlSocket, patienceMs);
  } catch (error) {
    return { running, finding: wrong(CHECK, (error as Error).message, adviceOn(error as Error)) };
  }
  if (running !== undefined) return { running, finding: judge(running) };
  const owner = ownerOf(layout.lock);
  const finding = owner === undefined ? well(CHECK, "none runs on this data directory") : wrong(
    CHECK,
    `process ${owner} holds ${layout.lock} and does not answer`,
    "Wait until it has started, or stop it",
  );
  return { running, finding };
}

/** @param error why the server gave no answer */
export function adviceOn({ cause }: Error): string {
  return cause instanceof Deno.errors.PermissionDenied
    ? "Run this as the server's user, such as with sudo -u simple-registry"
    : "Look into its log; restart it";
}

async function ask(socket: string, patienceMs: number): Promise<RunningServer | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `the server at ${socket} does not answer within ${patienceMs / 1000} s`;
    timer = setTimeout(() => reject(new Error(text)), patienceMs);
  });
  try {
    return await Promise.race([sendCommand(socket, "status"), late]) as unknown as RunningServer | undefined;
  } finally {
    clearTimeout(timer);
  }
}

function judge({ pid, version, started, threads, not_ready }: RunningServer): Finding {
  const own = versionFacts().version;
  const name = `process ${pid}, version ${version}, since ${started}`;
  if (threads === 0) return wrong(CHECK, `${name}: no thread takes requests`, "Restart it");
  if (not_ready !== undefined) {
    return wrong(CHECK, `${name}: it cannot read and write: ${not_ready}`, "Mend the disk, then restart it");
  }
  if (version !== own) {
    return odd(CHECK, `${name}; this program is version ${own}`, "Restart the server with the new program");
  }
  return well(CHECK, `${name}, ${threads} threads`);
}
