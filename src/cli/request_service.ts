/** Everything that answers requests in one HTTP thread, made from settings; a reload makes another and swaps. */
import type { PasswordChecker } from "../auth/password_check.ts";
import type { Settings } from "../config/settings.ts";
import { createHandler, type Handler } from "../http/handle.ts";
import { challengesOf, makeAccessControl, makeAuthenticator } from "./access.ts";
import { type Logs, makeRegistry, type RequestStores, systemClock } from "./wire.ts";

/** ms that the parts of a replaced service may still serve requests that began with it. */
const LINGER_MS = 60_000;

export class RequestService {
  readonly #stores: RequestStores;
  readonly #logs: Logs;
  readonly #openPasswords: () => PasswordChecker | undefined;
  #handler: Handler | undefined;
  #close: () => void = () => {};

  /** @param openPasswords the way to the password thread as it is now; undefined where there is none */
  constructor(stores: RequestStores, logs: Logs, openPasswords: () => PasswordChecker | undefined) {
    this.#stores = stores;
    this.#logs = logs;
    this.#openPasswords = openPasswords;
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
    const authenticator = await makeAuthenticator(
      settings,
      this.#openPasswords(),
      systemClock,
      this.#logs.auth,
    );
    const access = makeAccessControl(settings, this.#logs.auth);
    this.#handler = createHandler({
      registry: makeRegistry(settings, this.#stores, access.hook, this.#logs),
      authenticator,
      challenges: challengesOf(settings),
      tokenIssuer: settings.auth.tokenService && authenticator,
    });
    setTimeout(this.#close, LINGER_MS);
    this.#close = access.close;
  }
}
