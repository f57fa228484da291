/** Counts what the listener of a thread does: connections, handshakes, requests. */
import type { HandshakeFailure } from "./handshake_faults.ts";
import type { Counter, Gauge, Histogram, Metrics } from "../ports/metrics.ts";

/** Counted for a request that named no operation. */
const UNKNOWN = "unknown";

interface OperationCounters {
  /** By status. */
  readonly answers: Map<number, Counter>;
  readonly duration: Histogram;
  readonly received: Counter;
  readonly sent: Counter;
}

export interface CountedRequest {
  /** undefined where the request named none. */
  readonly operation: string | undefined;
  readonly status: number;
  readonly ms: number;
  /** Bytes of the bodies. */
  readonly received: number;
  readonly sent: number;
}

export class RequestMetrics {
  readonly #metrics: Metrics;
  readonly #operations = new Map<string, OperationCounters>();
  readonly #inFlight: Gauge;
  readonly #connections: Gauge;
  readonly #handshakes: Counter;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#inFlight = metrics.gauge("requests_in_flight", {});
    this.#connections = metrics.gauge("connections_open", {});
    this.#handshakes = metrics.counter("tls_handshakes_total", {});
  }

  beginConnection(): void {
    this.#connections.add(1);
  }

  endConnection(): void {
    this.#connections.add(-1);
  }

  completeHandshake(): void {
    this.#handshakes.add();
  }

  failHandshake(reason: HandshakeFailure): void {
    this.#metrics.counter("tls_handshake_failures_total", { reason }).add();
  }

  refuseBroken(status: string): void {
    this.#metrics.counter("broken_requests_total", { status }).add();
  }

  begin(): void {
    this.#inFlight.add(1);
  }

  end(): void {
    this.#inFlight.add(-1);
  }

  count({ operation = UNKNOWN, status, ms, received, sent }: CountedRequest): void {
    const counters = this.#operations.get(operation) ?? this.#open(operation);
    let answers = counters.answers.get(status);
    if (answers === undefined) {
      answers = this.#metrics.counter("requests_total", { operation, status: String(status) });
      counters.answers.set(status, answers);
    }
    answers.add();
    counters.duration.observe(ms / 1000);
    if (received > 0) counters.received.add(received);
    if (sent > 0) counters.sent.add(sent);
  }

  #open(operation: string): OperationCounters {
    const labels = { operation };
    const counters = {
      answers: new Map(),
      duration: this.#metrics.histogram("request_duration_seconds", labels),
      received: this.#metrics.counter("request_body_bytes_total", labels),
      sent: this.#metrics.counter("response_body_bytes_total", labels),
    };
    this.#operations.set(operation, counters);
    return counters;
  }
}
