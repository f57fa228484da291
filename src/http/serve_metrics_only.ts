/** What a listener answers that is there for monitoring alone. */
import { respondToFault } from "./error_response.ts";
import type { Handled, HttpRequest } from "./message.ts";
import { withoutBody } from "./respond.ts";
import { noEndpoint } from "./route.ts";

const SERVED: ReadonlySet<string> = new Set(["/metrics", "/healthz", "/readyz"]);

type Handle = (request: HttpRequest) => Promise<Handled>;

/** Passes requests for metrics and health on; everything else is no endpoint there, whoever asks. */
export function serveMetricsOnly(handle: Handle): Handle {
  return async (request) => {
    const [path = ""] = request.target.split("?", 1);
    if (SERVED.has(path)) return await handle(request);
    const answer = respondToFault(noEndpoint(path), request.id);
    return { response: request.method === "HEAD" ? withoutBody(answer) : answer, action: undefined };
  };
}
