/** Stands between a TLS client and a server and hands over the first record, a ClientHello, in pieces. */

export type Split = "segments" | "records";

/** Serves one connection; as "segments" each piece travels alone, as "records" each is a TLS record of its own. */
export class HelloSplitter implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #served: Promise<void>;

  constructor(target: number, split: Split, pieces: number) {
    this.#served = this.#serve(target, split, pieces);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served;
  }

  async #serve(target: number, split: Split, pieces: number): Promise<void> {
    using client = await this.#listener.accept();
    this.#listener.close();
    using server = await Deno.connect({ hostname: "127.0.0.1", port: target });
    server.setNoDelay(true);
    const header = await readExactly(client, 5);
    const fragment = await readExactly(client, (header[3]! << 8) | header[4]!);
    for (
      const piece of split === "segments" ? cut([...header, ...fragment], pieces) : cut(fragment, pieces)
    ) {
      const framed = split === "segments"
        ? piece
        : [...header.slice(0, 3), piece.length >> 8, piece.length & 255, ...piece];
      await writeAll(server, Uint8Array.from(framed));
      // Long enough for the piece to leave and arrive alone.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.allSettled([copy(client, server), copy(server, client)]);
  }
}

function cut(bytes: ArrayLike<number>, pieces: number): number[][] {
  const all = Array.from(bytes);
  const size = Math.ceil(all.length / pieces);
  return Array.from({ length: pieces }, (_, i) => all.slice(i * size, (i + 1) * size));
}

async function readExactly(from: Deno.Conn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const read = await from.read(bytes.subarray(at));
    if (read === null) throw new Deno.errors.UnexpectedEof();
    at += read;
  }
  return bytes;
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
    await writeAll(to, buffer.subarray(0, read));
  }
  await to.closeWrite().catch(() => {});
}
