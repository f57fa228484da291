/** The one mapping from a fault to an answer. */
import { ERROR_CODES, OciError } from "../core/oci_error.ts";
import { ClientGone, type HttpResponse } from "./message.ts";
import { respondEmpty, respondJson } from "./respond.ts";

/** Status that the access log shows for a client that went away; never sent. */
const CLIENT_GONE = 499;

/**
 * The answer to a request that failed: the error body of distribution-spec "Error Codes". From 500 on it says the
 * code's default text and the request id, and nothing of what happened inside.
 */
export function respondToFault(fault: unknown, requestId: string): HttpResponse {
  if (fault instanceof ClientGone) return respondEmpty(CLIENT_GONE);
  const error = fault instanceof OciError ? fault : new OciError("INTERNAL_ERROR");
  const internal = error.status >= 500;
  const entry = {
    code: error.code,
    message: internal ? ERROR_CODES[error.code].text : error.message,
    ...(internal
      ? { detail: { request_id: requestId } }
      : error.detail !== undefined && { detail: error.detail }),
  };
  return respondJson(error.status, { errors: [entry] }, {
    "docker-distribution-api-version": "registry/2.0",
    ...error.headers,
  });
}
