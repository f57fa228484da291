/** One request's sender: who it is, and through what the request came. */
import type { Identity } from "./identity.ts";

/** What decision points and logs are told of the request itself. */
export interface RequestFacts {
  /** Names the request in logs. */
  readonly id: string;
  readonly method: string;
  /** The request target as it was sent, with its query. */
  readonly target: string;
  readonly scheme: "http" | "https";
  /** Value of the `Host` header; "" for none. */
  readonly host: string;
  /** All values of a header field; the name in lower case. */
  headerValues(name: string): readonly string[];
}

export interface Caller {
  readonly identity: Identity;
  readonly request: RequestFacts;
}
