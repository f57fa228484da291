/** Everything that answers requests in one HTTP thread, made from settings; a reload makes another and swaps. */
import type { PasswordChecker } from "../auth/password_check.ts";
import type { Settings } from "../config/settings.ts";
import type { Metrics } from "../ports/metrics.ts";
import { createHandler, type Handler } from "../http/handle.ts";
import { challengesOf, makeAccessControl, makeAuthenticator } from "./access.ts";
import type { EndedSpan, SpanContext } from "./tracing/span.ts";
import { SpanRecorder } from "./tracing/span_recorder.ts";
import { traceHandler, traceParts } from "./tracing/traced_parts.ts";
import { type Logs, makeRegistry, type RequestStores, systemClock } from "./wire.ts";
import { explainDiskFault } from "../storage/files/disk_fault.ts";

/** ms that the parts of a replaced service may still serve requests that began with it. */
const LINGER_MS = 60_000;

export interface RequestSurroundings {
  readonly logs: Logs;
  readonly metrics: Metrics;
  /** Gives the metrics of the whole process as text; undefined where nobody counts. */
  readonly scrape: (() => Promise<string>) | undefined;
  /** The way to the password thread as it is now; undefined where there is none. */
  readonly openPasswords: () => PasswordChecker | undefined;
  /** Takes spans where requests are traced. */
  readonly sendSpans: (spans: readonly EndedSpan[]) => void;
}

export class RequestService {
  readonly #stores: RequestStores;
  readonly #around: RequestSurroundings;
  #handler: Handler | undefined;
  #close: () => void = () => {};
  #recorder: SpanRecorder | undefined;

  constructor(stores: RequestStores, around: RequestSurroundings) {
    this.#stores = stores;
    this.#around = around;
  }

  /** Answers with what the newest settings say. */
  readonly handle: Handler = (request) => this.#handler!(request);

  /** Of the request that runs here; undefined where it is not traced. */
  get currentSpan(): SpanContext | undefined {
    return this.#recorder?.current;
  }

  flushSpans(): void {
    this.#recorder?.flush();
  }

  /**
   * Builds everything anew and swaps it in. Requests under way end with what they began with; the next one of each
   * connection, also of an open one, is judged by the new settings: no verdict of before is remembered.
   *
   * @throws what keeps the new whole from being built; the old one stays
   */
  async use(settings: Settings): Promise<void> {
    const { logs, metrics, scrape, openPasswords, sendSpans } = this.#around;
    const authenticator = await makeAuthenticator(settings, {
      remote: openPasswords(),
      clock: systemClock,
      log: logs.auth,
      metrics,
    });
    const access = makeAccessControl(settings, logs.auth);
    const { tracing } = settings;
    const recorder = tracing && new SpanRecorder(tracing.samplingRate, sendSpans);
    const parts = traceParts(recorder, { stores: this.#stores, authenticator, hook: access.hook });
    const handler = createHandler({
      registry: makeRegistry(settings, parts.stores, { hook: parts.hook, logs, metrics }),
      authenticator: parts.authenticator,
      challenges: challengesOf(settings),
      tokenIssuer: settings.auth.tokenService && authenticator,
      explainFault: explainDiskFault,
      ...(scrape && { scrape }),
    });
    this.#handler = recorder === undefined ? handler : traceHandler(recorder, handler);
    this.#recorder?.flush();
    this.#recorder = recorder;
    setTimeout(this.#close, LINGER_MS);
    this.#close = access.close;
  }
}
