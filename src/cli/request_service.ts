/** Everything that answers requests in one HTTP thread, made from settings; a reload makes another and swaps. */
import type { PasswordChecker } from "../auth/password_check.ts";
import type { Settings } from "../config/settings.ts";
import type { Metrics } from "../ports/metrics.ts";
import { createHandler, type Handler } from "../http/handle.ts";
import { challengesOf, makeAccessControl, makeAuthenticator } from "./access.ts";
import { type Logs, makeRegistry, type RequestStores, systemClock } from "./wire.ts";

/** ms that the parts of a replaced service may still serve requests that began with it. */
const LINGER_MS = 60_000;

export interface RequestSurroundings {
  readonly logs: Logs;
  readonly metrics: Metrics;
  /** Gives the metrics of the whole process as text; undefined where nobody counts. */
  readonly scrape: (() => Promise<string>) | undefined;
  /** The way to the password thread as it is now; undefined where there is none. */
  readonly openPasswords: () => PasswordChecker | undefined;
}

export class RequestService {
  readonly #stores: RequestStores;
  readonly #around: RequestSurroundings;
  #handler: Handler | undefined;
  #close: () => void = () => {};

  constructor(stores: RequestStores, around: RequestSurroundings) {
    this.#stores = stores;
    this.#around = around;
  }

  /** Answers with what the newest settings say. */
  readonly handle: Handler = (request) => this.#handler!(request);

  /**
   * Builds everything anew and swaps it in. Requests under way end with what they began with; the next one of each
   * connection, also of an open one, is judged by the new settings: no verdict of before is remembered.
   *
   * @throws what keeps the new whole from being built; the old one stays
   */
  async use(settings: Settings): Promise<void> {
    const { logs, metrics, scrape, openPasswords } = this.#around;
    const authenticator = await makeAuthenticator(settings, {
      remote: openPasswords(),
      clock: systemClock,
      log: logs.auth,
      metrics,
    });
    const access = makeAccessControl(settings, logs.auth);
    this.#handler = createHandler({
      registry: makeRegistry(settings, this.#stores, { hook: access.hook, logs, metrics }),
      authenticator,
      challenges: challengesOf(settings),
      tokenIssuer: settings.auth.tokenService && authenticator,
      ...(scrape && { scrape }),
    });
    setTimeout(this.#close, LINGER_MS);
    this.#close = access.close;
  }
}
