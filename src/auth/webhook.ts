/** Authorization by a webhook: a decision point of the user's own that is asked after the policies. */
import { createHash } from "node:crypto";
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";
import type { AuthorizationHook, Verdict } from "../ports/authorization_hook.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { WebhookClient, type WebhookTarget } from "./webhook_client.ts";
import { describeRequest, type WebhookHeaders } from "./webhook_request.ts";

/** Answers remembered. */
const MOST_REMEMBERED = 10_000;

/**
 * Questions in a row that get no answer after which nobody asks for so many ms: a catalog asks for each repository, and
 * would wait for each, while its client has long gone.
 */
const MOST_FAILURES = 3;
const PAUSE_MS = 1000;

interface Remembered {
  readonly verdict: Verdict;
  readonly until: number;
}

export class Webhook implements AuthorizationHook {
  readonly #target: WebhookTarget;
  readonly #client: WebhookClient;
  readonly #log: Log;
  readonly #steadyNow: () => number;
  readonly #remembered = new Map<string, Remembered>();
  /** Questions under way, so that equal ones are asked once. */
  readonly #asked = new Map<string, Promise<Verdict>>();
  /** Questions in a row that got no answer. */
  #failures = 0;
  #pausedUntil = -Infinity;

  /** @param steadyNow ms of a clock that nobody sets */
  constructor(target: WebhookTarget, log: Log, steadyNow: () => number) {
    this.#target = target;
    this.#client = new WebhookClient(target);
    this.#log = log;
    this.#steadyNow = steadyNow;
  }

  /**
   * 2xx allows, 401 and 403 deny, and both are remembered; anything else denies for this once, or for a moment where no
   * answers come. A push that moves several
   * tags has to be allowed for each: the protocol has room for one reference.
   */
  async decide(caller: Caller, operation: Operation): Promise<Verdict> {
    let verdict = await this.#decideOne(caller, operation);
    for (const further of furtherQuestions(operation)) {
      if (!verdict.allowed) break;
      verdict = await this.#decideOne(caller, further);
    }
    return verdict;
  }

  close(): void {
    this.#client.close();
  }

  async #decideOne(caller: Caller, operation: Operation): Promise<Verdict> {
    let headers: WebhookHeaders;
    try {
      headers = describeRequest(this.#target.forwardHeaders, caller, operation);
    } catch (error) {
      return this.#fail({ error });
    }
    const key = createHash("sha256").update(JSON.stringify(headers)).digest("base64");
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined && remembered.until > this.#steadyNow()) return remembered.verdict;
    this.#remembered.delete(key);
    const underWay = this.#asked.get(key);
    if (underWay !== undefined) return await underWay;
    if (this.#steadyNow() < this.#pausedUntil) return this.#unasked();
    const asked = this.#ask(key, headers).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return await asked;
  }

  async #ask(key: string, headers: WebhookHeaders): Promise<Verdict> {
    const { name, cacheTtlMs } = this.#target;
    let status: number;
    try {
      status = await this.#client.ask(headers);
    } catch (error) {
      if (++this.#failures >= MOST_FAILURES) this.#pausedUntil = this.#steadyNow() + PAUSE_MS;
      return this.#fail({ error });
    }
    this.#failures = 0;
    const allowed = status >= 200 && status < 300;
    if (!allowed && status !== 401 && status !== 403) return this.#fail({ status });
    const verdict = {
      allowed,
      reason: `the authorization webhook ${allowed ? "allows" : "forbids"} it`,
      decidedBy: `webhook ${name}`,
    };
    if (cacheTtlMs > 0) this.#remember(key, verdict, this.#steadyNow() + cacheTtlMs);
    return verdict;
  }

  #fail(what: LogFields): Verdict {
    this.#log.error("authorization webhook failed", { webhook: this.#target.name, ...what });
    return this.#unasked();
  }

  #unasked(): Verdict {
    return {
      allowed: false,
      reason: "the authorization webhook could not be asked",
      decidedBy: `webhook ${this.#target.name}`,
    };
  }

  #remember(key: string, verdict: Verdict, until: number): void {
    this.#remembered.set(key, { verdict, until });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MOST_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
  }
}

/** One for each tag that a push moves beside the reference that it names. */
function furtherQuestions(operation: Operation): Operation[] {
  if (operation.action !== "put-manifest" || operation.reference.kind === "tag") return [];
  return operation.tags.map((tag) => ({ ...operation, reference: { kind: "tag", tag }, tags: [tag] }));
}
