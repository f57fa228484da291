/** A proxy (RFC 9110 section 9.3.6) that leads every tunnel to one port of loopback, whatever name the client asks for. */

/**
 * Under a name that resolves to loopback dockerd takes a registry for an insecure one, to which it shows no client
 * certificate. Behind this proxy the name may resolve to any other address.
 */
export class ConnectProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: number;
  readonly #open = new Set<Deno.Conn>();
  readonly #served: Promise<void>;

  constructor(target: number) {
    this.#target = target;
    this.#served = this.#serve();
  }

  /** For HTTPS_PROXY. */
  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#served;
  }

  async #serve(): Promise<void> {
    const tunnels: Promise<void>[] = [];
    for await (const client of this.#listener) tunnels.push(this.#tunnel(client));
    await Promise.all(tunnels);
  }

  async #tunnel(client: Deno.Conn): Promise<void> {
    this.#open.add(client);
    try {
      await readHead(client);
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#open.add(server);
      await client.write(new TextEncoder().encode("HTTP/1.1 200 Connected\r\n\r\n"));
      const up = client.readable.pipeTo(server.writable);
      const down = server.readable.pipeTo(client.writable);
      await Promise.allSettled([up, down]);
      this.#open.delete(server);
    } catch {
      // Whoever went away before the tunnel stood needs no answer.
    }
    this.#open.delete(client);
  }
}

/** Reads byte by byte, so that nothing of what follows the head is lost. */
async function readHead(connection: Deno.Conn): Promise<void> {
  const byte = new Uint8Array(1);
  for (let last = ""; last !== "\r\n\r\n";) {
    if (await connection.read(byte) === null) throw new Deno.errors.UnexpectedEof();
    last = (last + String.fromCharCode(byte[0]!)).slice(-4);
  }
}
