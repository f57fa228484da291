/** The registry of a checkout of this project as a contender. */
import { resolve } from "node:path";
import type { Contender } from "./contender.ts";

/**
 * @param projectDir folder with main.ts and deno.json
 * @param options HTTP threads where it is not as many as there are processors; more of the configuration, as TOML
 * @param binary compiled program, as a path from that folder, to start in the place of `deno run main.ts`
 */
export function makeThisRegistry(
  name: string,
  projectDir: string,
  binary: string | undefined,
  { threads, config = "" }: { readonly threads?: number; readonly config?: string } = {},
): Contender {
  return {
    name,
    async command({ workDir, rootDir, port, tls, clientCaFile }, requestLog) {
      const configFile = `${workDir}/config.toml`;
      await Deno.writeTextFile(
        configFile,
        [
          "[server]",
          'bind_address = "127.0.0.1"',
          `port = ${port}`,
          ...(threads === undefined ? [] : [`threads = ${threads}`]),
          ...(tls === undefined ? [] : [
            "[server.tls]",
            `server_certificate_bundle = ${JSON.stringify(tls.certificateFile)}`,
            `server_private_key = ${JSON.stringify(tls.keyFile)}`,
            ...(clientCaFile === undefined ? [] : [
              `client_ca_bundle = ${JSON.stringify(clientCaFile)}`,
              'client_auth = "required"',
            ]),
          ]),
          "[blob_store.fs]",
          `root_dir = ${JSON.stringify(rootDir)}`,
          config,
          "",
        ].join("\n"),
      );
      const program = binary === undefined
        ? [Deno.execPath(), "run", ...await readRunFlags(projectDir), resolve(projectDir, "main.ts")]
        : [resolve(projectDir, binary)];
      return {
        argv: [...program, "-c", configFile, "server"],
        env: { NO_COLOR: "1", SIMPLE_REGISTRY_LOG: requestLog ? "info" : "warn" },
      };
    },
  };
}

/** The flags of the task "start" of deno.json, so that what is measured runs with the permissions of the program. */
async function readRunFlags(projectDir: string): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(resolve(projectDir, "deno.json")));
  const start: string | { command: string } | undefined = tasks?.start;
  // The working directory is another one, so the configuration of the project has to be named.
  const config = ["--config", resolve(projectDir, "deno.json")];
  if (start === undefined) return [...config, "--allow-all"];
  const words = (typeof start === "string" ? start : start.command).split(/\s+/);
  return [...config, ...words.slice(2, words.findIndex((word) => word.endsWith("main.ts")))];
}
