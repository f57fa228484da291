/** The one question that stands before every operation: may this caller do this? */
import type { Identity } from "../core/identity.ts";
import type { Operation } from "../core/operation.ts";

export type Verdict =
  | { readonly allowed: true }
  | {
    readonly allowed: false;
    /** A sentence for the caller. */
    readonly reason: string;
  };

export interface AuthorizationHook {
  decide(identity: Identity, operation: Operation): Promise<Verdict>;
}
