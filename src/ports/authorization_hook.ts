/** The one question that stands before every operation: may this caller do this? */
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";

export interface Verdict {
  readonly allowed: boolean;
  /** A sentence for the caller, without full stop. */
  readonly reason: string;
  /** What decided, for the audit log: place of a rule, name of a webhook. */
  readonly decidedBy?: string;
}

export interface AuthorizationHook {
  decide(caller: Caller, operation: Operation): Promise<Verdict>;
}
