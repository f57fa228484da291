/** Where one server listens: opened once, opened anew when it accepts nobody any more, closed. */
import type { Server } from "node:http";
import type { ListenOptions } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { ListenAddress } from "../config/settings.ts";
import type { Log } from "../ports/log.ts";
import { oldestOf, type TlsKeyPair } from "./node_server.ts";
import { type OpenAt, openedAt, requireLocal } from "./opened.ts";
import { openSocketFile } from "./socket_file.ts";

/** Connections that the system holds until they are accepted. */
const BACKLOG = 1024;

export class Listener {
  readonly #make: (keyPair: TlsKeyPair | undefined) => Server;
  readonly #log: Log;
  #keyPair: TlsKeyPair | undefined;
  #server: Server;
  /** Where it listens. */
  #opened: ListenAddress | undefined;
  /** Resolve when servers that were replaced have lost their last connection. */
  readonly #former = new Set<Promise<void>>();

  /** @param make makes a server of node with all that answers requests; again for each time that it is opened anew */
  constructor(
    make: (keyPair: TlsKeyPair | undefined) => Server,
    keyPair: TlsKeyPair | undefined,
    log: Log,
  ) {
    this.#make = make;
    this.#log = log;
    this.#keyPair = keyPair;
    this.#server = make(keyPair);
  }

  /**
   * Listens: at a port, which it shares with the other threads and which the system chooses where it is 0; at a path, where
   * it takes the place of whoever listened there; or on a socket that is open. Gives where that is.
   *
   * @param mustStayLocal refuses an open socket that others can reach
   * @throws what the system says when the address cannot be used
   */
  async open(at: OpenAt, mustStayLocal: boolean): Promise<ListenAddress> {
    const opened = await this.#openAt(at, mustStayLocal);
    // Of a socket that was handed over there is only the one descriptor.
    if (at.kind !== "descriptor") this.#opened = opened;
    return opened;
  }

  /**
   * Listens at the same place with a new server, and closes the former one, whose requests under way end. On Deno 2.9 a
   * server whose accept() failed once, because no file descriptor was free, accepts nobody any more.
   *
   * @returns false where the place was handed over as a descriptor, which cannot be opened again
   * @throws what the system says
   */
  async openAgain(): Promise<boolean> {
    if (this.#opened === undefined) return false;
    const former = this.#server;
    this.#server = this.#make(this.#keyPair);
    try {
      await this.#openAt(this.#opened, false);
    } finally {
      const closed = close(former);
      this.#former.add(closed);
      void closed.then(() => this.#former.delete(closed));
    }
    return true;
  }

  /** Uses another certificate and key for the handshakes to come. */
  replaceKeyPair(keyPair: TlsKeyPair): void {
    this.#keyPair = keyPair;
    const { certificate, privateKey, minimumVersion } = keyPair;
    const context = { cert: certificate, key: privateKey, minVersion: oldestOf(minimumVersion) };
    (this.#server as unknown as TlsServer).setSecureContext(context);
  }

  /** Accepts nobody any more. Resolves when the last connection has ended. */
  async close(): Promise<void> {
    await Promise.all([close(this.#server), ...this.#former]);
  }

  async #openAt(at: OpenAt, mustStayLocal: boolean): Promise<ListenAddress> {
    switch (at.kind) {
      case "tcp":
        return await this.#begin(at, { host: at.host, port: at.port, reusePort: true });
      case "unix":
        return await openSocketFile(at, (path) => this.#begin(at, { path }));
      case "descriptor":
        return await this.#begin(at, { fd: at.fd }, mustStayLocal ? requireLocal : undefined);
    }
  }

  /** @param check looks at the address before anybody is answered */
  #begin(
    at: OpenAt,
    options: ListenOptions & { readonly fd?: number },
    check?: (at: ListenAddress) => void,
  ): Promise<ListenAddress> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ ...options, backlog: BACKLOG }, () => {
        server.off("error", reject);
        server.on("error", (error: Error) => this.#log.error("listener failed", { error }));
        const opened = openedAt(at, server.address());
        try {
          check?.(opened);
          resolve(opened);
        } catch (error) {
          server.close();
          reject(error);
        }
      });
    });
  }
}

/** A server that does not listen is closed. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
