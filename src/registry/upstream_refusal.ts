/** What a client reads whose content would have to come from an upstream that does not give it. */
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";

/** Seconds after which a client may come again where the upstream does not say. */
const DEFAULT_RETRY = 10;

/** What is no fault of an upstream stays as it is. */
export function upstreamRefusal(fault: unknown, repository: RepositoryName): Error {
  if (!(fault instanceof UpstreamFault)) return fault instanceof Error ? fault : new Error(String(fault));
  const message = `Cannot pull from mirror "${repository}"`;
  switch (fault.kind) {
    case "limited": {
      const seconds = fault.retryAfterMs === undefined ? DEFAULT_RETRY : Math.ceil(fault.retryAfterMs / 1000);
      return new OciError("TOOMANYREQUESTS", {
        message: `${message}: the upstream limits requests, come again in ${seconds} s`,
        headers: { "retry-after": String(seconds) },
        cause: fault,
      });
    }
    case "denied":
      return new OciError("DENIED", {
        message: `${message}: the upstream does not give it to this registry, or has no such repository`,
        cause: fault,
      });
    case "timeout":
      return new OciError("UPSTREAM_UNAVAILABLE", {
        status: 504,
        message: `${message}: ${fault.message}`,
        cause: fault,
      });
    case "unreachable":
    case "broken":
    case "unsafe":
      return new OciError("UPSTREAM_UNAVAILABLE", { message: `${message}: ${fault.message}`, cause: fault });
  }
}
