/** What a request's head must be like before the registry looks at it: what the parser lets pass and we do not. */
import type { IncomingMessage } from "node:http";
import { OciError } from "../core/oci_error.ts";
import { quote } from "../core/quote.ts";
import { MOST_HEADER_FIELDS } from "./limits.ts";

/**
 * Why a request is refused by its head alone; undefined when it is not. The connection is closed after such an answer.
 *
 * @param unknownExpectation the client expects something other than `100-continue`
 */
export function faultOfHead(request: IncomingMessage, unknownExpectation: boolean): OciError | undefined {
  const { rawHeaders, httpVersion, headers } = request;
  if (rawHeaders.length > 2 * MOST_HEADER_FIELDS) {
    return refusal(
      431,
      `Cannot serve a request with ${
        rawHeaders.length / 2
      } header fields: expected at most ${MOST_HEADER_FIELDS}`,
    );
  }
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    return refusal(400, `Cannot serve a request of HTTP version ${httpVersion}: expected 1.1 or 1.0`);
  }
  const encoding = headers["transfer-encoding"];
  // Two readers of a body in another coding, or of one in HTTP/1.0, could see different ends (RFC 9112 section 6.1).
  if (encoding !== undefined && (encoding.toLowerCase() !== "chunked" || httpVersion === "1.0")) {
    return refusal(
      400,
      `Cannot read a body with Transfer-Encoding ${quote(encoding)} in HTTP/${httpVersion}: ` +
        `expected "chunked" in HTTP/1.1, or a Content-Length`,
    );
  }
  if (unknownExpectation) {
    return refusal(417, `Cannot meet expectation ${quote(headers.expect ?? "")}: expected "100-continue"`);
  }
  return undefined;
}

function refusal(status: number, message: string): OciError {
  return new OciError("REQUEST_INVALID", { status, message });
}
