/** Measures full TLS handshakes per second, with two processes of OpenSSL as clients. */
import { runCommand } from "../harness/run_command.ts";
import type { RunningContender } from "./contender.ts";

const PROCESSES = 2;

/** Handshakes without resumption, with the client's certificate where the registry asks for one. */
export async function measureHandshakes(
  { url, tls, client }: RunningContender,
  seconds: number,
): Promise<number> {
  const argv = [
    ...["openssl", "s_time", "-new", "-connect", new URL(url).host, "-CAfile", tls!.caFile],
    ...(client === undefined ? [] : ["-cert", client.certificateFile, "-key", client.keyFile]),
    ...["-time", String(seconds)],
  ];
  const results = await Promise.all(Array.from({ length: PROCESSES }, () => runCommand(argv)));
  return results.reduce((sum, { stdout }) => {
    const [, count, time] = /^(\d+) connections in (\d+) real seconds/m.exec(stdout) ?? [];
    if (count === undefined) throw new Error(`openssl s_time said: ${stdout}`);
    return sum + Number(count) / Number(time);
  }, 0);
}
