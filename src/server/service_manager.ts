/** Tells systemd how the service is: sd_notify(3), over the datagram socket that NOTIFY_SOCKET names. */
import type { Log } from "../ports/log.ts";

const ENCODER = new TextEncoder();

/** What systemd says to a service that it starts, in the environment. */
export interface ServiceManagerAddress {
  /** Path of the socket; one that begins with a NUL is in the abstract namespace. */
  readonly socket: string;
  /** ms after which systemd takes a silent service for dead; undefined where it does not watch. */
  readonly watchdogMs: number | undefined;
}

/**
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; undefined where nobody wants to hear.
 *
 * @param pid of this process; a watchdog that is meant for another is none
 */
export function findServiceManager(
  env: (name: string) => string | undefined,
  pid: number,
): ServiceManagerAddress | undefined {
  const name = env("NOTIFY_SOCKET") ?? "";
  // "vsock:..." is for virtual machines and their managers.
  if (!/^[/@]./.test(name)) return undefined;
  const watched = Number(env("WATCHDOG_USEC"));
  const forUs = [undefined, "", String(pid)].includes(env("WATCHDOG_PID"));
  return {
    socket: name.replace(/^@/, "\0"),
    watchdogMs: forUs && Number.isSafeInteger(watched) && watched > 0 ? watched / 1000 : undefined,
  };
}

export class ServiceManager {
  readonly #address: ServiceManagerAddress;
  readonly #log: Log;
  readonly #from: Deno.DatagramConn;
  #sending: Promise<void> = Promise.resolve();
  #told = false;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(address: ServiceManagerAddress, log: Log) {
    this.#address = address;
    this.#log = log;
    // In the abstract namespace, so that nothing is left in the file system. The system would find a name for an empty
    // path too, which Deno refuses to a program that has not every permission.
    const path = `\0simple-registry-${crypto.randomUUID()}`;
    this.#from = Deno.listenDatagram({ transport: "unixpacket", path });
  }

  /** The service serves. @param status one line for `systemctl status` */
  ready(status: string): void {
    this.#send(["READY=1", `STATUS=${status}`]);
  }

  /** The service reads its configuration again; `ready()` ends it. */
  reloading(): void {
    this.#send(["RELOADING=1"]);
  }

  stopping(): void {
    clearInterval(this.#heartbeat);
    this.#send(["STOPPING=1", "STATUS=waiting for the transfers under way"]);
  }

  /**
   * From now on says twice in the watchdog's time that the service is alive, each time `answers` has resolved. While it
   * does not, systemd hears nothing, and at last starts the service anew.
   */
  watch(answers: () => Promise<void>): void {
    const { watchdogMs } = this.#address;
    if (watchdogMs === undefined) return;
    let asking = false;
    this.#heartbeat = setInterval(async () => {
      if (asking) return;
      asking = true;
      try {
        await answers();
        this.#send(["WATCHDOG=1"]);
      } catch (error) {
        this.#log.error("the watchdog is not told that the service lives", { error });
      } finally {
        asking = false;
      }
    }, watchdogMs / 2);
  }

  /** Resolves when everything has been said. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#sending;
    this.#from.close();
  }

  /** One after the other, since systemd goes by the order. */
  #send(lines: readonly string[]): void {
    const message = ENCODER.encode(lines.map((line) => line.replaceAll("\n", " ")).join("\n"));
    this.#sending = this.#sending.then(async () => {
      try {
        await this.#from.send(message, { transport: "unixpacket", path: this.#address.socket });
      } catch (error) {
        if (!this.#told) this.#log.warn("systemd does not hear how the service is", { error });
        this.#told = true;
      }
    });
  }
}
