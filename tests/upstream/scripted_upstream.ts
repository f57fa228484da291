/** An upstream registry on loopback that serves what it is given, writes down what it is asked, and misbehaves by script. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { type BuiltImage, type BuiltIndex, type Content, listContents } from "../harness/build_images.ts";

export interface AskedOfUpstream {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface UpstreamTls {
  readonly certificate: string;
  readonly privateKey: string;
  /** CAs of clients, PEM; undefined asks for no certificate. */
  readonly clientCa?: string;
}

/** True when it has answered, or left the request without an answer on purpose. */
export type Script = (
  asked: AskedOfUpstream,
  response: ServerResponse,
  request: IncomingMessage,
) => boolean | Promise<boolean>;

export class ScriptedUpstream implements AsyncDisposable {
  readonly asked: AskedOfUpstream[] = [];
  /** Looks at each request first. */
  script: Script = () => false;
  /** Addresses of what it serves, by path below `/v2/`: manifests by tag and digest, blobs by digest. */
  readonly #contents = new Map<string, Content>();
  readonly #tags = new Map<string, Set<string>>();
  readonly #referrers = new Map<string, unknown[]>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #secure: boolean;

  private constructor(tls: UpstreamTls | undefined) {
    this.#secure = tls !== undefined;
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response);
    this.#server = tls === undefined ? createServer(handle) : createTlsServer({
      cert: tls.certificate,
      key: tls.privateKey,
      ...(tls.clientCa !== undefined && { requestCert: true, rejectUnauthorized: true, ca: tls.clientCa }),
    }, handle);
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("tlsClientError", () => {});
  }

  static async start(
    { tls, port = 0 }: { tls?: UpstreamTls; port?: number } = {},
  ): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(tls);
    await new Promise<void>((resolve) => upstream.#server.listen(port, "127.0.0.1", resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** `127.0.0.1:port`. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `${this.#secure ? "https" : "http"}://${this.host}`;
  }

  /** Requests whose method and path match. */
  count(method: string, path: RegExp): number {
    return this.asked.filter((each) => each.method === method && path.test(each.path)).length;
  }

  addBlob(repository: string, content: Content): void {
    this.#contents.set(`${repository}/blobs/${content.digest}`, content);
  }

  addManifest(repository: string, content: Content, ...tags: string[]): void {
    for (const reference of [content.digest, ...tags]) {
      this.#contents.set(`${repository}/manifests/${reference}`, content);
    }
    const known = this.#tags.get(repository) ?? new Set();
    for (const tag of tags) known.add(tag);
    this.#tags.set(repository, known);
  }

  addReferrer(repository: string, subject: string, descriptor: unknown): void {
    const key = `${repository}/${subject}`;
    this.#referrers.set(key, [...this.#referrers.get(key) ?? [], descriptor]);
  }

  /** An image or an index with all that it points at, the top manifest under the tags. */
  addImage(repository: string, built: BuiltImage | BuiltIndex, ...tags: string[]): void {
    const top = "index" in built ? built.index : built.manifest;
    for (const content of listContents(built)) {
      const isManifest = /\.(manifest|index|list)\.v\d\+json$/.test(content.mediaType);
      if (!isManifest) this.addBlob(repository, content);
      else this.addManifest(repository, content, ...(content === top ? tags : []));
    }
  }

  removeTag(repository: string, tag: string): void {
    this.#contents.delete(`${repository}/manifests/${tag}`);
    this.#tags.get(repository)?.delete(tag);
  }

  /** Ends every connection and takes no further one. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = { method: request.method!, path: request.url!, headers: request.headers };
    this.asked.push(asked);
    if (await this.script(asked, response, request)) return;
    this.serve(asked, response);
  }

  /** Answers honestly. */
  serve({ method, path, headers }: AskedOfUpstream, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(path, "http://upstream");
    const place = pathname.replace(/^\/v2\//, "");
    const [, repository = "", subject = ""] = /^(.*)\/referrers\/(.*)$/.exec(place) ?? [];
    if (place === "" || pathname === "/v2") return void response.end("{}");
    if (place.endsWith("/tags/list")) {
      return this.#listTags(place.slice(0, -"/tags/list".length), searchParams, response);
    }
    if (subject !== "") return this.#listReferrers(repository, subject, response);
    const content = this.#contents.get(place);
    if (content === undefined) return sendJson(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN" }] });
    const { bytes, mediaType, digest } = content;
    const isManifest = place.includes("/manifests/");
    const common = {
      "content-type": isManifest ? mediaType : "application/octet-stream",
      "docker-content-digest": digest,
      "etag": `"${digest}"`,
    };
    if (headers["if-none-match"] === common.etag) return void response.writeHead(304, common).end();
    const start = Number(/^bytes=([0-9]+)-$/.exec(headers.range as string ?? "")?.[1] ?? 0);
    const ranged = start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, {
      ...common,
      ...ranged,
      "content-length": bytes.length - start,
    });
    response.end(method === "HEAD" ? undefined : bytes.subarray(start));
  }

  #listTags(repository: string, query: URLSearchParams, response: ServerResponse): void {
    const known = this.#tags.get(repository);
    if (known === undefined) return sendJson(response, 404, { errors: [{ code: "NAME_UNKNOWN" }] });
    const after = [...known].sort().filter((tag) => tag > (query.get("last") ?? ""));
    const n = Number(query.get("n") ?? after.length);
    const tags = after.slice(0, n);
    const link = after.length > n
      ? { link: `</v2/${repository}/tags/list?n=${n}&last=${tags.at(-1)}>; rel="next"` }
      : {};
    sendJson(response, 200, { name: repository, tags }, link);
  }

  #listReferrers(repository: string, subject: string, response: ServerResponse): void {
    const manifests = this.#referrers.get(`${repository}/${subject}`) ?? [];
    const mediaType = "application/vnd.oci.image.index.v1+json";
    sendJson(response, 200, { schemaVersion: 2, mediaType, manifests }, { "content-type": mediaType });
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const body = new TextEncoder().encode(JSON.stringify(value));
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": body.length,
    ...headers,
  });
  response.end(body);
}
