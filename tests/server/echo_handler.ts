/** A handler for tests of the server alone: the request's target says what it does with body and answer. */
import { setImmediate } from "node:timers";
import { OciError } from "../../src/core/oci_error.ts";
import { respondToFault } from "../../src/http/error_response.ts";
import type { Handled, HttpRequest, HttpResponse, StreamBody } from "../../src/http/message.ts";

const MIB = 1024 * 1024;
const LARGE_PIECE = 256 * 1024;

/** What reached the handler. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly hosts: readonly string[];
}

export class EchoHandler {
  readonly seen: SeenRequest[] = [];
  /** Resolves `/wait` requests. */
  readonly gate = Promise.withResolvers<void>();
  /** Bodies of answers that were opened and not closed again. */
  openBodies = 0;
  #seenWaiters: { count: number; resolve: () => void }[] = [];

  /** Resolves once `count` requests reached the handler. */
  async sees(count: number): Promise<void> {
    if (this.seen.length >= count) return;
    await new Promise<void>((resolve) => this.#seenWaiters.push({ count, resolve }));
  }

  readonly handle = async (request: HttpRequest): Promise<Handled> => {
    const { method, target, httpVersion, headers } = request;
    this.seen.push({ method, target, httpVersion, hosts: headers.all("host") });
    for (const waiter of this.#seenWaiters) if (this.seen.length >= waiter.count) waiter.resolve();
    try {
      return { response: await this.#respond(request), action: "echo" };
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return { response: respondToFault(error, request.id), action: "echo" };
    }
  };

  async #respond(request: HttpRequest): Promise<HttpResponse> {
    const url = new URL(request.target, "http://test/");
    const number = Number(url.searchParams.get("n") ?? 0);
    switch (url.pathname) {
      case "/read":
        return text(200, request, `read ${await readAll(request)}`);
      case "/stuck":
        await this.gate.promise;
        return text(200, request, `read ${await readAll(request)}`);
      case "/slow":
        return text(200, request, `read ${await readAll(request, number)}`);
      case "/open":
        this.gate.resolve();
        return text(200, request, "opened");
      case "/refuse":
        throw new OciError("DENIED", { message: "Cannot take this" });
      case "/throw":
        throw new RangeError("the secret inside");
      case "/wait":
        await this.gate.promise;
        return text(200, request, "waited");
      case "/bytes":
        return { status: 200, headers: { "content-length": `${number}` }, body: new Uint8Array(number) };
      case "/stream":
        return this.#stream(number, number, undefined, Number(url.searchParams.get("piece") ?? LARGE_PIECE));
      case "/short":
        return this.#stream(number, number / 2);
      case "/broken":
        return this.#stream(number, number / 2, new Error("the disk is gone"));
      case "/header":
        return {
          status: 200,
          headers: { "x-bad": "a\r\nb", "content-length": "0" },
          body: this.#streamBody(9, 9),
        };
      default:
        return text(200, request, `${request.method} ${request.target}`);
    }
  }

  #stream(promised: number, given: number, fault?: Error, piece = LARGE_PIECE): HttpResponse {
    return {
      status: 200,
      headers: { "content-length": `${promised}` },
      body: this.#streamBody(promised, given, fault, piece),
    };
  }

  #streamBody(promised: number, given: number, fault?: Error, piece = LARGE_PIECE): StreamBody {
    this.openBodies++;
    const chunk = new Uint8Array(piece);
    let left = given;
    let open = true;
    const close = (): void => {
      if (open) this.openBodies--;
      open = false;
    };
    return {
      length: promised,
      chunks: {
        [Symbol.asyncIterator]: () => ({
          async next() {
            await nextTurn();
            if (left > 0) {
              const size = Math.min(left, chunk.length);
              left -= size;
              return { done: false, value: chunk.subarray(0, size) };
            }
            close();
            if (fault !== undefined) throw fault;
            return { done: true, value: undefined };
          },
          async return() {
            close();
            return { done: true, value: undefined };
          },
        }),
      },
    };
  }
}

/** @param pauseMs after each MiB */
async function readAll(request: HttpRequest, pauseMs = 0): Promise<number> {
  let length = 0;
  let nextPause = MIB;
  for await (const chunk of request.body.chunks()) {
    length += chunk.length;
    if (pauseMs === 0 || length < nextPause) continue;
    nextPause += MIB;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return length;
}

function text(status: number, request: HttpRequest, content: string): HttpResponse {
  const body = new TextEncoder().encode(content);
  const headers = { "content-length": `${body.length}` };
  return request.method === "HEAD" ? { status, headers } : { status, headers, body };
}

/** As a file does, a stream gives its pieces after the event loop went round. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
