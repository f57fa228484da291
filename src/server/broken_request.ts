/** Answers what never became a request: bytes that the HTTP parser refused, or that did not come in time. */
import type { Socket } from "node:net";

interface Refusal {
  readonly status: string;
  readonly message: string;
}

const MALFORMED: Refusal = { status: "400 Bad Request", message: "Cannot read this as an HTTP/1.1 request" };

/** By the code of the parser's error. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    message: "Cannot read a request with a head of more than 32 KiB",
  },
  HPE_INVALID_EOF_STATE: {
    status: "400 Bad Request",
    message: "Cannot read the whole body: the connection ended before it",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: "408 Request Timeout",
    message: "Cannot wait longer for the head of the request",
  },
};

/** ms that a client gets to take such an answer. */
const PATIENCE_MS = 1000;

/** The client asked to make a tunnel of the connection. */
export const TUNNEL: Refusal = {
  status: "405 Method Not Allowed",
  message: "Cannot open a tunnel: this is a registry",
};

/** @param code of the parser's error */
export function refusalOf(code: string | undefined): Refusal {
  return REFUSALS[code ?? ""] ?? MALFORMED;
}

/** Closes a connection on which nothing can be read any more, after what was written to it and the bare answer, if any. */
export function endBrokenConnection(socket: Socket, refusal: Refusal | undefined): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  socket.once("close", () => clearTimeout(timer));
  const end = (): void => void socket.destroy();
  if (refusal === undefined) socket.end(end);
  else socket.end(formatAnswer(refusal), end);
}

function formatAnswer({ status, message }: Refusal): string {
  const body = JSON.stringify({ errors: [{ code: "REQUEST_INVALID", message }] });
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
}
