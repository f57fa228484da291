/** Records spans of one thread, and hands them over in batches. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { EndedSpan, SpanAttributes, SpanContext, SpanKind } from "./span.ts";
import { makeSpanId, makeTraceId } from "./trace_context.ts";

/** ms that a span may wait for others. */
const BATCH_MS = 1000;

/** Spans that are handed over at once, and that wait at most. */
const BATCH = 500;

export interface RunOptions {
  readonly kind?: SpanKind;
  readonly attributes?: SpanAttributes;
}

/** What a span is found out about while it runs. */
export interface RunningSpan {
  set(attributes: SpanAttributes): void;
  fail(): void;
}

const NOT_RECORDED: RunningSpan = { set() {}, fail() {} };

export class SpanRecorder {
  readonly #current = new AsyncLocalStorage<SpanContext | undefined>();
  readonly #rate: number;
  readonly #send: (spans: readonly EndedSpan[]) => void;
  #ended: EndedSpan[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param rate part of the traces that is recorded, 0 to 1 */
  constructor(rate: number, send: (spans: readonly EndedSpan[]) => void) {
    this.#rate = rate;
    this.#send = send;
  }

  /** The span that runs now; undefined where none does, or it is not recorded. */
  get current(): SpanContext | undefined {
    return this.#current.getStore();
  }

  /** Runs work as the beginning of a trace, or as the part of `parent` that is done here. */
  begin<T>(
    name: string,
    parent: SpanContext | undefined,
    options: RunOptions,
    work: (span: RunningSpan) => Promise<T>,
  ): Promise<T> {
    if (Math.random() >= this.#rate) return work(NOT_RECORDED);
    const span = this.#open(name, parent, options);
    return span.follow(this.#current.run(span.context, () => work(span)));
  }

  /**
   * Calls as part of the span that runs now; without one, or where the call gives no promise, nothing is recorded.
   *
   * @returns what the call gives
   */
  call(name: string, options: RunOptions, call: () => unknown): unknown {
    const parent = this.current;
    if (parent === undefined) return call();
    const span = this.#open(name, parent, options);
    const given = this.#current.run(span.context, call);
    return given instanceof Promise ? span.follow(given) : given;
  }

  /** Runs work as part of a span of another thread, which decided that it is recorded. */
  continue<T>(parent: SpanContext | undefined, work: () => Promise<T>): Promise<T> {
    return parent === undefined ? work() : this.#current.run(parent, work);
  }

  #open(name: string, parent: SpanContext | undefined, { kind = "internal", attributes = {} }: RunOptions) {
    const context = { traceId: parent?.traceId ?? makeTraceId(), spanId: makeSpanId() };
    const start = performance.timeOrigin + performance.now();
    let all = attributes;
    let failed = false;
    const set = (more: SpanAttributes): void => void (all = { ...all, ...more });
    const fail = (): void => void (failed = true);
    const follow = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (error) {
        fail();
        // Its message may hold a URL with what is secret in it.
        set({ "error.type": (error as { code?: string }).code ?? (error as Error).name ?? "unknown" });
        throw error;
      } finally {
        const end = performance.timeOrigin + performance.now();
        this.#keep({
          ...context,
          parentSpanId: parent?.spanId,
          name,
          kind,
          start,
          end,
          attributes: all,
          failed,
        });
      }
    };
    return { context, set, fail, follow };
  }

  #keep(span: EndedSpan): void {
    this.#ended.push(span);
    if (this.#ended.length >= BATCH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Hands over what has ended. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#ended.length === 0) return;
    this.#send(this.#ended);
    this.#ended = [];
  }
}
