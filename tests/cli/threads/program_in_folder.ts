/** The program itself on a configuration of a test, in a folder of its own. */
import { writeServerCertificate } from "../../harness/certificates.ts";
import { captureCommand } from "../../harness/run_command.ts";
import { ServerProcess } from "../../harness/server_process.ts";
import { registryProgram } from "../../harness/start_registry.ts";

export interface Running extends AsyncDisposable {
  readonly folder: string;
  readonly urls: readonly string[];
  readonly process: ServerProcess;
  /** Status and body that curl gets. */
  curl(...args: readonly string[]): Promise<string>;
}

/** Runs the program on `toml` in a new folder, started by `launcher` where there is one. */
export async function start(toml: string, launcher: readonly string[] = []): Promise<Running> {
  const folder = await Deno.makeTempDir();
  await writeServerCertificate(folder);
  await Deno.writeTextFile(`${folder}/config.toml`, toml);
  const [program = "", ...args] = [
    ...launcher,
    ...await registryProgram(),
    "-c",
    "config.toml",
    "server",
  ];
  const process = new ServerProcess("The registry", program, { args, cwd: folder });
  const urls = launcher.length > 0 ? [] : await urlsOf(process);
  return {
    folder,
    urls,
    process,
    async curl(...args) {
      const { stdout, stderr } = await captureCommand([
        "curl",
        "--silent",
        "--show-error",
        "--write-out",
        " %{http_code}",
        "--cacert",
        `${folder}/ca.crt`,
        ...args,
      ]);
      return stdout.trim() || stderr;
    },
    async [Symbol.asyncDispose]() {
      await process.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Where it says that it listens. */
export function urlsOf(process: ServerProcess): Promise<readonly string[]> {
  return process.waitForLine("that it listens", (line) => {
    if (!line.includes('"listening"')) return undefined;
    const { url, urls } = JSON.parse(line);
    return urls ?? [url];
  });
}
