/** The body of an upstream's answer: as it arrives, with backpressure, and never waited for without end. */
import type { IncomingMessage } from "node:http";
import { joinBytes } from "../core/join_bytes.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import { type SocketValve, valveOf } from "./pinned_agent.ts";

/** Bytes that may wait for the reader before the upstream is held back, and those at which it may go on. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;

/** Bytes of a body that nobody wants which are read to keep its connection, and ms that this may take. */
const MOST_DISCARDED = 64 * 1024;
const LONGEST_DISCARD_MS = 500;

/** Bytes a second at which a body that is read whole must come: somebody waits for it, and others for its turn. */
const LEAST_RATE = 16 * 1024;

export class ResponseBody {
  readonly #response: IncomingMessage;
  readonly #host: string;
  readonly #stallMs: number;
  readonly #valve: SocketValve | undefined;
  #stopped = false;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #ended = false;
  #fault: UpstreamFault | undefined;
  #wake: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param host for messages
   * @param stallMs without a further byte after which the body counts as broken off
   */
  constructor(response: IncomingMessage, host: string, stallMs: number) {
    this.#response = response;
    this.#host = host;
    this.#stallMs = stallMs;
    this.#valve = valveOf(response.socket);
    response.on("error", (fault) => this.#fail(this.#brokenOff(fault)));
    response.on("close", () => {
      if (!response.complete) this.#fail(this.#brokenOff());
    });
    this.#setStopped(true);
  }

  /**
   * The bytes as they arrive. Leaving the iteration early ends the connection.
   *
   * @throws {UpstreamFault}
   */
  async *chunks(): AsyncGenerator<Uint8Array> {
    this.#listen();
    try {
      while (true) {
        const chunk = this.#takeOut();
        if (chunk !== undefined) yield chunk;
        else if (this.#fault !== undefined) throw this.#fault;
        else if (this.#ended) return;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.abort();
    }
  }

  /**
   * The whole body, which must not be larger than `limit` bytes. It has the time that it may stand still, and more as it
   * comes: a byte now and then is not enough.
   *
   * @param what for the message
   * @throws {UpstreamFault}
   */
  async readWhole(limit: number, what: string): Promise<Uint8Array> {
    const started = performance.now();
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.chunks()) {
      length += chunk.length;
      if (length > limit) {
        throw new UpstreamFault("broken", `"${this.#host}" sends ${what} of more than ${limit} bytes`);
      }
      if (performance.now() - started > this.#stallMs + length / LEAST_RATE * 1000) {
        throw new UpstreamFault("timeout", `"${this.#host}" sends ${what} too slowly`);
      }
      parts.push(chunk);
    }
    return joinBytes(parts, length);
  }

  /** Reads a short body so that its connection can be used again, and ends that of a long one. */
  async discard(): Promise<void> {
    let length = 0;
    const timer = setTimeout(() => this.#response.destroy(), LONGEST_DISCARD_MS);
    try {
      for await (const chunk of this.chunks()) {
        length += chunk.length;
        if (length > MOST_DISCARDED) break;
      }
    } catch {
      // Nobody wanted it.
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection, unless the body has been read to its end. */
  abort(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#queued = 0;
    if (!this.#ended) this.#response.destroy();
  }

  #listen(): void {
    this.#response.on("data", (chunk: Uint8Array) => this.#take(chunk));
    this.#response.on("end", () => {
      this.#ended = true;
      clearTimeout(this.#timer);
      this.#wakeReader();
    });
    this.#setStopped(false);
  }

  #take(chunk: Uint8Array): void {
    // A plain array: node's own kind compares, and copies, in another way.
    this.#queue.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#queued += chunk.length;
    this.#startTimer();
    if (this.#queued > HIGH_WATER) this.#setStopped(true);
    this.#wakeReader();
  }

  #takeOut(): Uint8Array | undefined {
    const chunk = this.#queue.shift();
    if (chunk === undefined) return undefined;
    this.#queued -= chunk.length;
    if (this.#queued <= LOW_WATER && this.#stopped) this.#setStopped(false);
    return chunk;
  }

  #setStopped(stopped: boolean): void {
    this.#stopped = stopped;
    if (this.#ended || this.#fault !== undefined) return;
    if (stopped) {
      clearTimeout(this.#timer);
      this.#response.pause();
      this.#valve?.stop();
    } else {
      this.#startTimer();
      this.#valve?.start();
      this.#response.resume();
    }
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#fail(
        new UpstreamFault("timeout", `"${this.#host}" sent nothing for ${this.#stallMs / 1000} s`),
      );
    }, this.#stallMs);
  }

  #fail(fault: UpstreamFault): void {
    if (this.#ended || this.#fault !== undefined) return;
    this.#fault = fault;
    clearTimeout(this.#timer);
    this.#response.destroy();
    this.#wakeReader();
  }

  #brokenOff(cause?: unknown): UpstreamFault {
    return new UpstreamFault("broken", `"${this.#host}" broke off in the middle of its answer`, { cause });
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
