/** Authorization by a webhook: a decision point of the user's own that is asked after the policies. */
import { createHash } from "node:crypto";
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";
import type { AuthorizationHook, Verdict } from "../ports/authorization_hook.ts";
import type { Log } from "../ports/log.ts";
import { describeRequest, WebhookClient, type WebhookTarget } from "./webhook_request.ts";

/** Answers remembered. */
const MOST_REMEMBERED = 10_000;

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

  /** @param steadyNow ms of a clock that nobody sets */
  constructor(target: WebhookTarget, log: Log, steadyNow: () => number) {
    this.#target = target;
    this.#client = new WebhookClient(target);
    this.#log = log;
    this.#steadyNow = steadyNow;
  }

  /** 2xx allows, 401 and 403 deny, and both are remembered; anything else denies for this once. */
  async decide(caller: Caller, operation: Operation): Promise<Verdict> {
    const headers = describeRequest(this.#target, caller, operation);
    const key = createHash("sha256").update(JSON.stringify(headers)).digest("base64");
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined && remembered.until > this.#steadyNow()) return remembered.verdict;
    this.#remembered.delete(key);
    const underWay = this.#asked.get(key);
    if (underWay !== undefined) return await underWay;
    const asked = this.#ask(key, headers).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return await asked;
  }

  close(): void {
    this.#client.close();
  }

  async #ask(key: string, headers: ReturnType<typeof describeRequest>): Promise<Verdict> {
    const { name, cacheTtlMs } = this.#target;
    const decidedBy = `webhook ${name}`;
    let status: number;
    try {
      status = await this.#client.ask(headers);
    } catch (error) {
      this.#log.error("authorization webhook failed", { webhook: name, error });
      return { allowed: false, reason: "the authorization webhook did not answer", decidedBy };
    }
    const allowed = status >= 200 && status < 300;
    if (!allowed && status !== 401 && status !== 403) {
      this.#log.error("authorization webhook failed", { webhook: name, status });
      return { allowed: false, reason: "the authorization webhook could not decide", decidedBy };
    }
    const verdict = {
      allowed,
      reason: `the authorization webhook ${allowed ? "allows" : "forbids"} it`,
      decidedBy,
    };
    if (cacheTtlMs > 0) this.#remember(key, verdict, this.#steadyNow() + cacheTtlMs);
    return verdict;
  }

  #remember(key: string, verdict: Verdict, until: number): void {
    this.#remembered.set(key, { verdict, until });
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MOST_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
  }
}
