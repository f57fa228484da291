/** The peer: distribution's registry, version 3 or what Debian packages, set up for a fair fight. */
import { resolve } from "node:path";
import { runCommand } from "../harness/run_command.ts";
import type { Contender } from "./contender.ts";

/**
 * Finds the peer.
 *
 * @throws {Error} with how to get one
 */
export async function findPeer(projectDir: string): Promise<Contender> {
  const named = Deno.env.get("REGISTRY_PEER");
  const candidates = named
    ? [named]
    : [resolve(projectDir, ".tools/bin/registry"), "registry", "docker-registry"];
  for (const program of candidates) {
    const version = await readVersion(program);
    if (version !== undefined) return makePeer(program, version);
  }
  throw new Error(
    `Cannot find a registry to compare with: tried ${candidates.join(", ")}. ` +
      "Get one by: go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2 " +
      "or apt-get install docker-registry, or name a program in REGISTRY_PEER",
  );
}

async function readVersion(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await runCommand([program, "--version"]);
    return /v?\d+\.\d+\.\d+/.exec(stdout)?.[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function makePeer(program: string, version: string): Contender {
  return {
    name: `distribution ${version}`,
    async command({ workDir, rootDir, port, tls, clientCaFile }) {
      const configFile = `${workDir}/peer.yml`;
      // JSON is YAML. Its request log stays off in every row: that is its best case.
      await Deno.writeTextFile(
        configFile,
        JSON.stringify({
          version: "0.1",
          log: { level: "error", accesslog: { disabled: true } },
          storage: { filesystem: { rootdirectory: rootDir }, delete: { enabled: true } },
          http: {
            addr: `127.0.0.1:${port}`,
            secret: "bench",
            ...(tls !== undefined && {
              tls: {
                certificate: tls.certificateFile,
                key: tls.keyFile,
                ...(clientCaFile !== undefined && { clientcas: [clientCaFile] }),
              },
            }),
          },
        }),
      );
      return { argv: [program, "serve", configFile], env: { OTEL_TRACES_EXPORTER: "none" } };
    },
  };
}
