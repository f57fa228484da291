/** Spans as plain values: what took how long within which request. */

/** Values come from the program, and from paths without queries: never from headers, bodies or credentials. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

/** Who a span belongs to, in lower case hex (W3C Trace Context section 3.2.2). */
export interface SpanContext {
  /** 32 digits. */
  readonly traceId: string;
  /** 16 digits. */
  readonly spanId: string;
}

export type SpanKind = "internal" | "server" | "client";

/** A span that has ended. */
export interface EndedSpan extends SpanContext {
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** ms since 1970, with parts. */
  readonly start: number;
  readonly end: number;
  readonly attributes: SpanAttributes;
  /** Set where the work failed. */
  readonly failed: boolean;
}
