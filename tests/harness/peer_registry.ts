/** Puts distribution's registry in the place of ours, which tells a fault of a test from a fault of the registry. */

import type { ServerCertificateFiles } from "./certificates.ts";

/** True when E2E_AGAINST_PEER names a `registry` program of distribution v3 that the tests shall talk to. */
export const usesPeer = (Deno.env.get("E2E_AGAINST_PEER") ?? "") !== "";

/** Writes the peer's configuration and gives the command line, or undefined when no peer is asked for. */
export async function peerCommand(
  workDir: string,
  rootDir: string,
  tls: ServerCertificateFiles | undefined,
): Promise<string[] | undefined> {
  if (!usesPeer) return undefined;
  const config = {
    version: "0.1",
    storage: { filesystem: { rootdirectory: rootDir }, delete: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      secret: "test",
      ...(tls === undefined ? {} : { tls: { certificate: tls.certificateFile, key: tls.keyFile } }),
    },
  };
  const configFile = `${workDir}/peer.yml`;
  await Deno.writeTextFile(configFile, JSON.stringify(config));
  return [Deno.env.get("E2E_AGAINST_PEER") ?? "", "serve", configFile];
}
