/** A client that sends exactly the bytes of a test, and takes only as many as it is told to. */

/** How long a test waits for the server before it calls it stuck, in ms. */
const PATIENCE_MS = 60_000;

export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Map<string, string>;
  readonly body: string;
}

export class RawClient implements Disposable {
  readonly #connection: Deno.TcpConn | Deno.TlsConn;
  #received = "";
  #ended = false;
  #closed = false;

  constructor(connection: Deno.TcpConn | Deno.TlsConn) {
    this.#connection = connection;
  }

  /** @param caPem for TLS */
  static async connect(port: number, caPem?: string): Promise<RawClient> {
    if (caPem === undefined) return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    return new RawClient(await Deno.connectTls({ hostname: "localhost", port, caCerts: [caPem] }));
  }

  /** Sends text, one byte a character; resolves when the system has taken it. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Uint8Array.from(data, (c) => c.charCodeAt(0)) : data;
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Says that nothing more will be sent, and goes on listening. */
  async finishSending(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** The next answer. `headOnly` for an answer that has no body although it says how long one would be. */
  async readAnswer({ headOnly = false } = {}): Promise<Answer> {
    while (!this.#received.includes("\r\n\r\n")) await this.#readMore("the head of an answer");
    const end = this.#received.indexOf("\r\n\r\n");
    const [statusLine = "", ...fields] = this.#received.slice(0, end).split("\r\n");
    this.#received = this.#received.slice(end + 4);
    const headers = new Map(fields.map((field) => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }));
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    const length = headOnly || status < 200 ? 0 : Number(headers.get("content-length") ?? 0);
    while (this.#received.length < length) await this.#readMore("the body of an answer");
    const body = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    return { status, headers, body };
  }

  /** Everything up to the end of the connection, of which a reset is one. */
  async readToEnd(): Promise<string> {
    while (!this.#ended) {
      await this.#readMore("the end", true);
    }
    const all = this.#received;
    this.#received = "";
    return all;
  }

  /** Reads and forgets up to `count` bytes; gives how many came before the end. */
  async skip(count: number): Promise<number> {
    let got = Math.min(count, this.#received.length);
    this.#received = this.#received.slice(got);
    const buffer = new Uint8Array(64 * 1024);
    while (got < count && !this.#ended) {
      const read = await this.#read(buffer.subarray(0, Math.min(buffer.length, count - got)), "more bytes");
      if (read === null) this.#ended = true;
      else got += read;
    }
    return got;
  }

  /** Resolves with the ms until the server closed; throws what the server sent where nothing was expected. */
  async closedAfter(): Promise<number> {
    const started = performance.now();
    const rest = await this.readToEnd();
    if (rest !== "") throw new Error(`expected no bytes before the end, got ${JSON.stringify(rest)}`);
    return performance.now() - started;
  }

  close(): void {
    if (!this.#closed) this.#connection.close();
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #readMore(what: string, endIsFine = false): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const read = await this.#read(buffer, what);
    if (read !== null) {
      this.#received += String.fromCharCode(...buffer.subarray(0, read));
      return;
    }
    this.#ended = true;
    if (!endIsFine) {
      throw new Error(`the connection ended before ${what}; got ${JSON.stringify(this.#received)}`);
    }
  }

  /** null for the end. */
  async #read(buffer: Uint8Array<ArrayBuffer>, what: string): Promise<number | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS} ms for ${what}`)), PATIENCE_MS);
    });
    try {
      return await Promise.race([this.#connection.read(buffer), expired]);
    } catch (error) {
      const cut = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.UnexpectedEof ||
        error instanceof Deno.errors.BrokenPipe;
      if (cut) return null;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
