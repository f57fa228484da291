/**
 * Looks whether every thread still accepts connections, as a client would.
 *
 * On Deno 2.9 a listener of node:net whose accept() fails once, because no file descriptor was free or because the network
 * reported a fault, never accepts again and tells nobody. All threads share one port, so the system hands it part of the
 * connections all the same, and these wait in vain.
 */
import type { ListenAddress } from "../../config/settings.ts";
import { TLS_PROBE } from "../../server/own_probe.ts";

/** What one probe found; "unknown" where this process could not connect at all. */
type Finding = "accepts" | "silent" | "unknown";

export interface WatchTimes {
  /** ms between two rounds of probes. */
  readonly everyMs: number;
  /** ms within which a connection must be noticed. */
  readonly patienceMs: number;
}

export interface ListenerWatchOptions extends WatchTimes {
  readonly at: ListenAddress;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  /** Probes of a round; each meets one of the listeners by chance. */
  readonly probes: number;
  /** Called after two rounds one after the other in which somebody did not accept. */
  readonly onSilence: () => void;
  /** Called when somebody does not accept in the round after that either. */
  readonly onLastingSilence: () => void;
}

/** Rounds in which somebody has to be silent. */
const SILENT_ROUNDS = 2;

/** How much sooner, and with how much less patience, rounds come that somebody asks for. */
const HASTE = 8;

export class ListenerWatch {
  readonly #options: ListenerWatchOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silentRounds = 0;
  /** Rounds that are still to come soon. */
  #hurried = 0;
  #running = false;
  #stopped = false;

  constructor(options: ListenerWatchOptions) {
    this.#options = options;
    this.#waitForRound();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Lets the next rounds come soon: something has happened that makes listeners deaf. */
  hurry(): void {
    this.#hurried = SILENT_ROUNDS;
    clearTimeout(this.#timer);
    if (!this.#running) this.#waitForRound();
  }

  #waitForRound(): void {
    const pauseMs = this.#options.everyMs / (this.#hurried > 0 ? HASTE : 1);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#runRound(), pauseMs);
  }

  async #runRound(): Promise<void> {
    const { probes, onSilence, onLastingSilence } = this.#options;
    this.#running = true;
    const findings = await Promise.all(Array.from({ length: probes }, () => this.#probe()));
    // Without a file descriptor nobody can accept, and renewing the threads would not help.
    if (findings.includes("unknown")) this.#silentRounds = 0;
    else this.#silentRounds = findings.includes("silent") ? this.#silentRounds + 1 : 0;
    if (!this.#stopped) {
      if (this.#silentRounds === SILENT_ROUNDS) onSilence();
      if (this.#silentRounds > SILENT_ROUNDS) {
        this.#silentRounds = 0;
        onLastingSilence();
      }
    }
    this.#running = false;
    if (this.#hurried > 0) this.#hurried--;
    this.#waitForRound();
  }

  async #probe(): Promise<Finding> {
    const { at, secure } = this.#options;
    const patienceMs = this.#options.patienceMs / (this.#hurried > 0 ? HASTE : 1);
    let connection: Deno.TcpConn | Deno.UnixConn;
    try {
      connection = await connect(at);
    } catch {
      return "unknown";
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<Finding>((resolve) =>
      timer = setTimeout(() => resolve("silent"), patienceMs)
    );
    try {
      return await Promise.race([expectNotice(connection, secure), expired]);
    } finally {
      clearTimeout(timer);
      connection.close();
    }
  }
}

/** Resolves when the other side answers, ends or resets the connection. */
async function expectNotice(
  connection: Deno.TcpConn | Deno.UnixConn,
  secure: boolean,
): Promise<Finding> {
  try {
    if (secure) await connection.write(TLS_PROBE);
    else await connection.closeWrite();
    await connection.read(new Uint8Array(1));
  } catch {
    // A reset is an answer too.
  }
  return "accepts";
}

function connect(at: ListenAddress): Promise<Deno.TcpConn | Deno.UnixConn> {
  return at.kind === "unix"
    ? Deno.connect({ transport: "unix", path: at.path })
    : Deno.connect({ hostname: reachable(at.host), port: at.port });
}

/** The address to connect to where a listener takes every interface. */
function reachable(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1";
  return address === "::" ? "::1" : address;
}
