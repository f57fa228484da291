/** An HTTP/1.1 client on one connection that costs next to nothing, so that the server is what is measured. */

export interface WireCredentials {
  readonly caCerts: string[];
  readonly cert?: string;
  readonly key?: string;
}

export interface WireResponse {
  readonly status: number;
  readonly location: string | undefined;
}

/** Some registries say that they have no manifest to who does not take its type. */
const ACCEPT = "Accept: application/vnd.oci.image.manifest.v1+json";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Most bytes of an answer; what is asked here answers in a few hundred. */
const LARGEST_ANSWER = 64 * 1024;

export class WireClient implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #origin: string;
  readonly #host: string;
  readonly #buffer = new Uint8Array(LARGEST_ANSWER);
  #manyGets: Uint8Array | undefined;

  private constructor(connection: Deno.Conn, origin: string, host: string) {
    this.#connection = connection;
    this.#origin = origin;
    this.#host = host;
  }

  /** @param credentials for an https URL: the authority of the server's certificate, and the client's own where it has one */
  static async connect(url: string, credentials: WireCredentials): Promise<WireClient> {
    const { protocol, hostname, port, host, origin } = new URL(url);
    const address = { hostname, port: Number(port) };
    const connection = protocol === "https:"
      ? await Deno.connectTls({ ...address, ...credentials })
      : await Deno.connect(address);
    return new WireClient(connection, origin, host);
  }

  /**
   * Sends a request and reads its whole answer. `target` may be absolute, as some registries' Location is.
   *
   * @throws {Error} when the answer has another status than `expected`
   */
  async send(
    expected: number,
    method: string,
    target: string,
    body: Uint8Array = new Uint8Array(),
    contentType = "application/octet-stream",
  ): Promise<WireResponse> {
    const path = target.startsWith(this.#origin) ? target.slice(this.#origin.length) : target;
    const entity = method === "HEAD"
      ? ""
      : `Content-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n`;
    const head = encoder.encode(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${entity}\r\n`);
    const message = new Uint8Array(head.length + body.length);
    message.set(head);
    message.set(body, head.length);
    await this.#write(message);
    const { status, location, text } = await this.#readAnswer(method === "HEAD");
    if (status !== expected) {
      throw new Error(`${method} ${path} answered ${status}, expected ${expected}: ${text}`);
    }
    return { status, location };
  }

  /**
   * GETs a path `ahead` times before it reads the answers, so that they cost this side next to nothing.
   * All of them have to be as long as the first, which `measureAnswer()` gave.
   */
  async getMany(path: string, ahead: number, answerBytes: number): Promise<void> {
    this.#manyGets ??= encoder.encode(
      `GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${ACCEPT}\r\n\r\n`.repeat(ahead),
    );
    await this.#write(this.#manyGets);
    for (let left = ahead * answerBytes; left > 0;) {
      const read = await this.#connection.read(this.#buffer.subarray(0, Math.min(left, LARGEST_ANSWER)));
      if (read === null) throw new Error("the server closed the connection in the middle of an answer");
      left -= read;
    }
  }

  /** Bytes of the whole answer to GET of a path. @throws {Error} when it is not 200 */
  async measureAnswer(path: string): Promise<number> {
    await this.#write(encoder.encode(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${ACCEPT}\r\n\r\n`));
    const { status, bytes } = await this.#readAnswer(false);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}, expected 200`);
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async #readAnswer(
    withoutBody: boolean,
  ): Promise<WireResponse & { readonly text: string; readonly bytes: number }> {
    let filled = 0;
    for (let wanted = Infinity, head = "";;) {
      const read = await this.#connection.read(this.#buffer.subarray(filled));
      if (read === null) throw new Error("the server closed the connection in the middle of an answer");
      filled += read;
      const text = decoder.decode(this.#buffer.subarray(0, filled));
      if (head === "") {
        const end = text.indexOf("\r\n\r\n");
        if (end < 0) continue;
        head = text.slice(0, end);
        const length = withoutBody ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        wanted = end + 4 + length;
      }
      if (filled < wanted) continue;
      const location = /^location: *(\S+)/im.exec(head)?.[1];
      return {
        status: Number(head.slice(9, 12)),
        location,
        text: text.slice(head.length + 4),
        bytes: filled,
      };
    }
  }
}
