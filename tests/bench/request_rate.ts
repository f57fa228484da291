/** Measures requests per second with wrk: 2 threads, 16 connections that stay open. */
import { runCommand } from "../harness/run_command.ts";

const WARM_UP_SECONDS = 1;

/** What pulls of manifests need: some registries say that they have none to who does not take its type. */
const ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/**
 * GETs a URL again and again after a warm-up; gives answers per second.
 *
 * @throws {Error} when an answer is not 2xx or a connection fails
 */
export async function measureRequestRate(
  url: string,
  { seconds, workDir }: { readonly seconds: number; readonly workDir: string },
): Promise<number> {
  const script = `${workDir}/request.lua`;
  await Deno.writeTextFile(script, `wrk.headers["Accept"] = "${ACCEPT}"\n`);
  const run = async (duration: number): Promise<number> => {
    const { stdout } = await runCommand(["wrk", "-t2", "-c16", `-d${duration}s`, "-s", script, url]);
    const trouble = /^.*(Non-2xx|Socket errors).*$/m.exec(stdout);
    if (trouble !== null) throw new Error(`GET ${url}: ${trouble[0].trim()}`);
    return Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(stdout)?.[1]);
  };
  await run(WARM_UP_SECONDS);
  return await run(seconds);
}
