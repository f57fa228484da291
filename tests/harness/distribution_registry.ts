/** Runs distribution's registry, the one that most others are made of, on a data directory. */
import { findProgram } from "./real_clients.ts";
import { ServerProcess } from "./server_process.ts";

/** Where it is: `go install` calls it registry, Debian docker-registry. */
export const DISTRIBUTION = findProgram("registry") === undefined ? "docker-registry" : "registry";

export interface DistributionRegistry extends AsyncDisposable {
  /** Such as "127.0.0.1:40123"; plain HTTP. */
  readonly host: string;
}

/** @param folder for its configuration and, below `data`, what it keeps */
export async function startDistribution(folder: string): Promise<DistributionRegistry> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = `127.0.0.1:${listener.addr.port}`;
  listener.close();
  const config = {
    version: "0.1",
    storage: { filesystem: { rootdirectory: `${folder}/data` }, delete: { enabled: true } },
    http: { addr: host, secret: "test" },
  };
  await Deno.writeTextFile(`${folder}/distribution.yml`, JSON.stringify(config));
  const process = new ServerProcess("distribution", DISTRIBUTION, {
    args: ["serve", `${folder}/distribution.yml`],
    env: { OTEL_TRACES_EXPORTER: "none" },
  });
  await process.waitForLine("that it listens", (line) => line.includes("listening on") || undefined);
  return {
    host,
    async [Symbol.asyncDispose]() {
      await process.stop();
    },
  };
}
