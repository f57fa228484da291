/** Sends spans of all threads to a collector: OTLP over HTTP, in JSON (OpenTelemetry Protocol, section OTLP/HTTP). */
import type { Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { EndedSpan, SpanAttributes, SpanKind } from "./span.ts";

/** Spans that wait for a collector which is slow or away; beyond it they are dropped. */
const MOST_WAITING = 20_000;

/** Spans in one request. */
const MOST_AT_ONCE = 1000;

/** ms for a request. */
const PATIENCE_MS = 10_000;

/** ms between two tries while the collector does not take them. */
const PAUSE_MS = 5000;

/** ms that an end waits for the collector. */
const CLOSE_MS = 2000;

/** Numbers of the protocol (opentelemetry-proto, trace.proto). */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;

export interface OtlpExporterOptions {
  /** Without `/v1/traces`. */
  readonly endpoint: string;
  readonly version: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

export class OtlpExporter {
  readonly #options: OtlpExporterOptions;
  #waiting: EndedSpan[] = [];
  #sending: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  /** Takes spans; returns at once. */
  add(spans: readonly EndedSpan[]): void {
    const room = MOST_WAITING - this.#waiting.length;
    this.#count("dropped", Math.max(0, spans.length - room));
    this.#waiting.push(...spans.slice(0, room));
    this.#sending ??= this.#sendAll().finally(() => this.#sending = undefined);
  }

  /** Resolves when everything was sent, or could not be in time. */
  async close(): Promise<void> {
    this.#closed = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, CLOSE_MS));
    await Promise.race([this.#sending, late]);
    clearTimeout(timer);
  }

  async #sendAll(): Promise<void> {
    const { endpoint, log } = this.#options;
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.slice(0, MOST_AT_ONCE);
      try {
        await this.#send(spans);
        this.#waiting.splice(0, spans.length);
        this.#count("exported", spans.length);
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) log.warn("the collector of traces does not take spans", { endpoint, error });
        this.#failing = true;
        if (this.#closed) return;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  async #send(spans: readonly EndedSpan[]): Promise<void> {
    const answer = await fetch(`${this.#options.endpoint}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(this.#messageOf(spans)),
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
  }

  #messageOf(spans: readonly EndedSpan[]) {
    const { version } = this.#options;
    return {
      resourceSpans: [{
        resource: {
          attributes: attributesOf({
            "service.name": "simple-registry",
            "service.version": version,
            "process.pid": Deno.pid,
          }),
        },
        scopeSpans: [{ scope: { name: "simple-registry", version }, spans: spans.map(spanOf) }],
      }],
    };
  }

  #count(result: string, spans: number): void {
    if (spans > 0) this.#options.metrics.counter("trace_spans_total", { result }).add(spans);
  }
}

function spanOf({ traceId, spanId, parentSpanId, name, kind, start, end, attributes, failed }: EndedSpan) {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(attributes),
    status: failed ? { code: STATUS_ERROR } : {},
  };
}

/** As text, since a number in JSON cannot hold them. @param ms since 1970 */
function nanoseconds(ms: number): string {
  return `${Math.floor(ms)}${Math.floor((ms % 1) * 1e6).toString().padStart(6, "0")}`;
}

function attributesOf(attributes: SpanAttributes) {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}
