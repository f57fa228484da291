/** Speaks HTTP over `openssl s_client`, which sends any certificate, resumes any session and says whether it did. */
import { captureCommand } from "../harness/run_command.ts";
import type { RunningRegistry } from "../harness/start_registry.ts";
import type { MadeCertificate } from "../auth/certificate_factory.ts";

/** The programs that tests of this folder need beside the registry. */
export const OPENSSL = { programs: ["openssl"] };

export type TlsVersion = "tls1_2" | "tls1_3";

/** What the client shows: its own certificate first, then whatever else, and a key that OpenSSL takes for its own. */
export interface Shown {
  readonly certificates: readonly Pick<MadeCertificate, "pem">[];
  readonly keyPem: string;
}

export interface HandshakeOptions {
  readonly shows?: Shown;
  /** TLS 1.3 when absent; "any" leaves it to `args`. */
  readonly version?: TlsVersion | "any";
  /** A session that an earlier exchange left in this file; its certificate is what the server remembers. */
  readonly resume?: string;
  /** Where to leave the session. */
  readonly saveSession?: string;
  /** More arguments of s_client. */
  readonly args?: readonly string[];
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Exchange {
  /** Whether the session was taken up again, as OpenSSL saw it in the handshake. */
  readonly reused: boolean;
  /** undefined when the connection ended without an HTTP answer. */
  readonly answer: Answer | undefined;
  /** Everything that s_client printed. */
  readonly output: string;
}

/** The bytes of a request without a body. */
export function requestText(method: string, path: string, headers: readonly string[] = []): string {
  return [`${method} ${path} HTTP/1.1`, "Host: localhost", "Content-Length: 0", ...headers, "", ""].join(
    "\r\n",
  );
}

/** Shows one certificate, with those that it is to be sent with. */
export function showing(own: MadeCertificate, ...others: readonly Pick<MadeCertificate, "pem">[]): Shown {
  return { certificates: [own, ...others], keyPem: own.keyPem };
}

/**
 * Connects, sends the text, and reads until the server closes the connection.
 *
 * @throws when the server has not closed after a minute
 */
export async function exchange(
  registry: Pick<RunningRegistry, "port" | "caFile">,
  request: string,
  options: HandshakeOptions = {},
): Promise<Exchange> {
  const folder = await Deno.makeTempDir({ prefix: "s_client-" });
  try {
    const argv = [
      ...["openssl", "s_client", "-connect", `127.0.0.1:${registry.port}`, "-CAfile", registry.caFile],
      // The end of the input must not end the connection: that is for the server to do.
      ...["-ign_eof", ...(options.version === "any" ? [] : [`-${options.version ?? "tls1_3"}`])],
      ...await certificateArguments(folder, options.shows),
      ...(options.resume === undefined ? [] : ["-sess_in", options.resume]),
      ...(options.saveSession === undefined ? [] : ["-sess_out", options.saveSession]),
      ...options.args ?? [],
    ];
    const { stdoutBytes, stderr } = await captureCommand(argv, { stdin: request, timeoutMs: 60_000 });
    const output = Array.from(stdoutBytes, (byte) => String.fromCharCode(byte)).join("");
    return { reused: /^Reused, TLS/m.test(output), answer: readAnswer(output), output: output + stderr };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function certificateArguments(folder: string, shows: Shown | undefined): Promise<string[]> {
  if (shows === undefined) return [];
  const [own, ...others] = shows.certificates;
  await Deno.writeTextFile(`${folder}/own.pem`, own?.pem ?? "");
  await Deno.writeTextFile(`${folder}/own.key`, shows.keyPem);
  await Deno.writeTextFile(`${folder}/others.pem`, others.map((other) => other.pem).join(""));
  return [
    ...["-cert", `${folder}/own.pem`, "-key", `${folder}/own.key`],
    ...(others.length === 0 ? [] : ["-cert_chain", `${folder}/others.pem`]),
  ];
}

/** The answer among the lines that s_client prints about the connection. */
function readAnswer(output: string): Answer | undefined {
  const start = output.search(/HTTP\/1\.1 \d{3} /);
  if (start < 0) return undefined;
  const end = output.indexOf("\r\n\r\n", start);
  const [statusLine = "", ...fields] = output.slice(start, end).split("\r\n");
  const headers = new Map(fields.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }));
  const length = Number(headers.get("content-length") ?? 0);
  return { status: Number(statusLine.split(" ")[1]), headers, body: output.slice(end + 4, end + 4 + length) };
}
