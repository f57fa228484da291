/** Runs the program as a user does, as `deno run` of this tree, in a folder of its own. */
import { captureCommand, type CommandResult } from "../harness/run_command.ts";
import { ServerProcess } from "../harness/server_process.ts";
import { projectRoot } from "../harness/start_registry.ts";

/** Words of the command line before those of the program. */
export const PROGRAM = [Deno.execPath(), "run", "-A", `${projectRoot}main.ts`];

export class ProgramFolder implements AsyncDisposable {
  readonly path: string;
  readonly #servers: ServerProcess[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<ProgramFolder> {
    return new ProgramFolder(await Deno.makeTempDir());
  }

  /** Writes `config.toml`, which the program finds in its folder. */
  async configure(toml: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/config.toml`, toml);
  }

  run(args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> {
    return captureCommand([...PROGRAM, ...args], {
      cwd: this.path,
      env: { NO_COLOR: "1", ...env },
      timeoutMs: 120_000,
    });
  }

  /** Starts a server; the disposal kills what is left of it. */
  serve(
    args: readonly string[] = ["server"],
    program: readonly string[] = PROGRAM,
    env: Record<string, string> = {},
  ): ServerProcess {
    const [command = "", ...words] = [...program, ...args];
    const server = new ServerProcess("The server", command, {
      args: words,
      cwd: this.path,
      env: { NO_COLOR: "1", ...env },
    });
    this.#servers.push(server);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.kill("SIGKILL");
      await server.ended();
    }
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The line with this message, as an object. */
export async function waitForMessage(
  server: ServerProcess,
  message: string,
): Promise<Record<string, unknown>> {
  return await server.waitForLine(`the message "${message}"`, (line) => {
    if (!line.startsWith("{")) return undefined;
    const record = JSON.parse(line);
    return record.message === message ? record : undefined;
  });
}

/** Port of a server that says that it listens. */
export async function waitForPort(server: ServerProcess): Promise<number> {
  const { url } = await waitForMessage(server, "listening");
  return Number(/:(\d+)$/.exec(String(url))![1]);
}
