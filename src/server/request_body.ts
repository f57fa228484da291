/** The body of a request from node:http, with backpressure to the client and a minimum rate. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError } from "../core/oci_error.ts";
import { ClientGone, type RequestBody } from "../http/message.ts";
import { giveBack } from "./dead_buffers.ts";
import type { ConnectionLimits } from "./limits.ts";
import { findValve, type ReadValve } from "./read_valve.ts";

/** Bytes that may wait for the reader before the client is held back, and those at which it may go on. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;

/** What a chunk counts beside its bytes: a client may send them one byte at a time. */
const CHUNK_COST = 512;

/**
 * A body that comes in pieces smaller than this on average, in bytes, is refused once it has come in so many of them: each
 * costs as much work as a large one, and a stream of them keeps a thread from everybody else.
 */
const SMALLEST_AVERAGE = 16;
const MOST_TINY_PIECES = 10_000;

export class NodeRequestBody implements RequestBody {
  readonly length: number | undefined;
  readonly #request: IncomingMessage;
  readonly #secure: boolean;
  readonly #limits: ConnectionLimits;
  /** Set while the client waits for our `100 Continue`. */
  #continueOn: ServerResponse | undefined;
  #valve: ReadValve | undefined;
  #stopped = false;
  #discarding = false;
  /** Pieces that wait for the reader, from `#next` on: taking them off the front of an array costs its length. */
  #queue: Uint8Array[] = [];
  #next = 0;
  #queued = 0;
  #pieces = 0;
  /** True when nothing more is read, whoever asks. */
  #refused = false;
  #received = 0;
  #state: "waiting" | "flowing" | "ended" = "waiting";
  #fault: Error | undefined;
  #wake: (() => void) | undefined;
  #onEnd: (() => void) | undefined;
  #rateTimer: ReturnType<typeof setTimeout> | undefined;
  #windowStart = 0;
  /** True when we held the client back in this window; then its rate says nothing about it. */
  #heldBack = false;

  /**
   * @param continueOn the response to send `100 Continue` on, when the client asked for one
   * @param mayStart as of {@linkcode findValve}
   */
  constructor(
    request: IncomingMessage,
    secure: boolean,
    limits: ConnectionLimits,
    continueOn?: ServerResponse,
    mayStart?: () => boolean,
  ) {
    this.#request = request;
    this.#secure = secure;
    this.#limits = limits;
    this.#continueOn = continueOn;
    this.length = lengthOf(request);
    if (this.length === 0) this.#state = "ended";
    else this.#valve = findValve(request, secure, mayStart);
    // Nobody reads yet, and until then a TLS socket would swallow whatever comes.
    if (secure) this.#valve?.stop();
  }

  /** True when nothing of this body is still to come from the client. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** True when the parser has seen the end of the body, whether or not it was read here. */
  get arrived(): boolean {
    return this.#request.complete;
  }

  /** True when the body broke off, or came too slowly to wait for the rest. */
  get failed(): boolean {
    return this.#fault !== undefined;
  }

  /** True when the client still waits for `100 Continue`: it has sent nothing of the body. */
  get awaitsContinue(): boolean {
    return this.#continueOn !== undefined;
  }

  /** Bytes that came so far. */
  get received(): number {
    return this.#received;
  }

  /** Bytes still to come; undefined when the client did not say. */
  get remaining(): number | undefined {
    return this.length === undefined ? undefined : this.length - this.#received;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.#state === "ended") return;
    if (this.#state !== "waiting") throw new Error("the body of a request can be read once");
    this.#start();
    try {
      while (true) {
        const chunk = this.#takeOut();
        if (chunk !== undefined) {
          yield chunk;
          giveBack(chunk);
          continue;
        }
        if (this.#fault !== undefined) throw this.#fault;
        if (this.ended) return;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(this.#rateTimer);
      this.discard();
    }
  }

  /**
   * Takes what is still to come and throws it away; the caller bounds how long.
   *
   * @param onEnd called when nothing more comes, because the body ended or the client went away
   */
  discard(onEnd?: () => void): void {
    this.#discarding = true;
    this.#queue = [];
    this.#next = 0;
    this.#queued = 0;
    this.#onEnd = onEnd;
    if (this.#state === "waiting") this.#listen();
    if (this.#stopped && !this.#refused) this.#setStopped(false);
    if (this.ended || this.#refused || this.#fault instanceof ClientGone) this.#finish();
  }

  /** Nothing more can be read: the client sent what nobody can parse. */
  breakOff(): void {
    this.#end(new ClientGone("the client sent a body that cannot be read"));
  }

  #start(): void {
    this.#listen();
    this.#continueOn?.writeContinue();
    this.#continueOn = undefined;
    this.#startWindow();
  }

  #listen(): void {
    this.#state = "flowing";
    const onGone = (): void => this.#end(new ClientGone("the client went away"));
    // Whoever went away before would tell nothing any more.
    if (this.#request.destroyed) onGone();
    this.#request.on("data", (chunk: Uint8Array) => this.#take(chunk));
    this.#request.on("end", () => this.#end(undefined));
    this.#request.on("error", onGone);
    this.#request.on("close", onGone);
    if (this.#secure) this.#valve!.start();
  }

  #take(chunk: Uint8Array): void {
    this.#received += chunk.length;
    if (
      ++this.#pieces >= MOST_TINY_PIECES && !this.#refused && this.#received < this.#pieces * SMALLEST_AVERAGE
    ) {
      this.#refuseTinyPieces();
    }
    if (this.#discarding || this.failed) return giveBack(chunk);
    this.#queue.push(chunk);
    this.#queued += chunk.length + CHUNK_COST;
    if (!this.#stopped && this.#queued >= HIGH_WATER) this.#setStopped(true);
    this.#wakeUp();
  }

  #takeOut(): Uint8Array | undefined {
    const chunk = this.#queue[this.#next];
    if (chunk === undefined) return undefined;
    if (++this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    this.#queued -= chunk.length + CHUNK_COST;
    if (this.#stopped && !this.#refused && this.#queued <= LOW_WATER) this.#setStopped(false);
    return chunk;
  }

  #refuseTinyPieces(): void {
    this.#refused = true;
    // At once and for good: the runtime reads on as long as there is something, and nothing else runs meanwhile.
    if (!this.#stopped) this.#setStopped(true);
    this.#end(
      new OciError("REQUEST_INVALID", {
        message:
          `Cannot take a body that comes in pieces of less than ${SMALLEST_AVERAGE} bytes. Send larger chunks`,
      }),
    );
    this.#finish();
  }

  #end(fault: Error | undefined): void {
    if (this.#state === "ended") return;
    if (fault === undefined) this.#state = "ended";
    // The first fault is the one to tell.
    this.#fault ??= fault;
    this.#wakeUp();
    if (this.ended || fault instanceof ClientGone) this.#finish();
  }

  #finish(): void {
    this.#onEnd?.();
    this.#onEnd = undefined;
  }

  #setStopped(stopped: boolean): void {
    this.#stopped = stopped;
    if (stopped) this.#heldBack = true;
    if (stopped) this.#valve!.stop();
    else this.#valve!.start();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #startWindow(): void {
    if (this.#limits.minimumBodyRate === 0) return;
    this.#windowStart = this.#received;
    this.#heldBack = this.#stopped;
    this.#rateTimer = setTimeout(() => this.#judgeWindow(), this.#limits.bodyWindowMs);
  }

  #judgeWindow(): void {
    const { minimumBodyRate, bodyWindowMs } = this.#limits;
    const got = this.#received - this.#windowStart;
    const wanted = Math.ceil(minimumBodyRate * bodyWindowMs / 1000);
    if (this.#state === "flowing" && this.#queued === 0 && !this.#heldBack && got < wanted) {
      this.#end(
        new OciError("REQUEST_INVALID", {
          status: 408,
          message: `Cannot wait longer for the body: ${got} bytes came in ${bodyWindowMs} ms, ` +
            `at least ${wanted} are expected. Resume the upload from its offset`,
        }),
      );
      return;
    }
    if (this.#state === "flowing") this.#startWindow();
  }
}

/** `Content-Length`, 0 when the request has no body at all, undefined for a chunked one. The parser has checked the form. */
function lengthOf(request: IncomingMessage): number | undefined {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  if (encoding !== undefined) return undefined;
  return length === undefined ? 0 : Number(length);
}
