/** One log line for each request: who asked what, and what was answered. Holds nothing secret: no header, no query. */
import type { Handled } from "../http/message.ts";
import type { Log } from "../ports/log.ts";
import type { Sent } from "./write_response.ts";

/** Characters of a path that are logged. */
const LONGEST_PATH = 400;

export interface ServedRequest {
  readonly id: string;
  readonly peer: string;
  readonly method: string;
  readonly target: string;
  readonly handled: Handled;
  readonly sent: Sent;
  /** From the end of the headers to the last byte handed to the socket. */
  readonly ms: number;
}

export function logRequest(log: Log, served: ServedRequest): void {
  const { handled, sent } = served;
  const fields = {
    request: served.id,
    peer: served.peer,
    method: served.method,
    path: pathOf(served.target),
    status: handled.response.status,
    bytes: sent.bytes,
    ms: Math.round(served.ms * 1000) / 1000,
    operation: handled.action,
    ...(!sent.complete && { cut: true }),
  };
  const fault = handled.fault ?? sent.fault;
  if (fault === undefined) log.info("request", fields);
  else log.error("request failed", { ...fields, error: fault });
}

/** The query may carry tokens, an authority a password: both are left out. */
function pathOf(target: string): string {
  const query = target.indexOf("?");
  let path = query < 0 ? target : target.slice(0, query);
  if (!path.startsWith("/")) path = path.replace(/^([^/]*:\/\/)?[^/]*@/, "$1");
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}...` : path;
}
