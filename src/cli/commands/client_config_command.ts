/** The `client-config` command: prints a client's set-up, or tries it. */
import { checkConnection } from "./check_connection.ts";
import { CLIENT_NAMES, type ClientFiles, describeClient } from "./client_config.ts";
import { readOptions } from "../options.ts";
import { UsageError } from "../usage.ts";

/** @throws {UsageError} */
export async function configureClient(args: readonly string[]): Promise<{ ok: boolean; text: string }> {
  const options = readOptions(args, "client-config");
  const host = options.get("host");
  if (host === undefined) throw new UsageError("--host is missing, such as registry.example.com:5000");
  if (
    !/^([a-zA-Z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$/.test(host) || !URL.canParse(`https://${host}/`)
  ) {
    throw new UsageError(`--host ${JSON.stringify(host)} is no host or host:port`);
  }
  if (options.has("check")) {
    return await checkConnection({
      host,
      ca: options.get("ca"),
      certificate: options.get("cert"),
      key: options.get("key"),
    });
  }
  const files: ClientFiles = {
    host,
    ca: options.get("ca") ?? "ca.pem",
    certificate: options.get("cert") ?? "client.pem",
    key: options.get("key") ?? "client.key",
  };
  const client = options.get("for") ?? "";
  const text = describeClient(client, files);
  if (text === undefined) {
    throw new UsageError(`--for ${JSON.stringify(client)}: expected ${CLIENT_NAMES.join(", ")}`);
  }
  return { ok: true, text };
}
