/** Does what a page says, from its top to its end, in a folder of its own: writes its files, runs its commands, starts its servers. */
import assert from "node:assert/strict";
import { type CommandResult, runCommand } from "../harness/run_command.ts";
import { ServerProcess } from "../harness/server_process.ts";
import { registryProgram } from "../harness/start_registry.ts";
import type { Block, Page } from "./markdown.ts";
import { matchOutput } from "./match_output.ts";

/** The port that the documents use; a free one takes its place. */
const DOCUMENTED_PORT = /\b5000\b/g;

/**
 * What a block is for:
 * - `toml NAME`: written to the file NAME
 * - `sh run`: must exit 0; `sh run exit=1`: must exit 1; a block `text output` behind it shows what it prints
 * - `sh run reloads`: the server must say that it reloaded its configuration
 * - `sh run server`: a server that runs until the next one starts or the page ends
 */
export class PageRunner implements AsyncDisposable {
  readonly #page: Page;
  readonly #folder: string;
  readonly #port: string;
  #server: ServerProcess | undefined;

  private constructor(page: Page, folder: string, port: string) {
    this.#page = page;
    this.#folder = folder;
    this.#port = port;
  }

  static async open(page: Page): Promise<PageRunner> {
    const folder = await Deno.makeTempDir({ prefix: "page-" });
    await Deno.mkdir(`${folder}/bin`);
    const words = (await registryProgram()).map((word) => `'${word}'`).join(" ");
    await Deno.writeTextFile(`${folder}/bin/simple-registry`, `#!/bin/sh\nexec ${words} "$@"\n`, {
      mode: 0o755,
    });
    await Deno.mkdir(`${folder}/page`);
    return new PageRunner(page, folder, String(findFreePort()));
  }

  async run(block: Block, next: Block | undefined): Promise<void> {
    const [word, ...more] = block.words;
    if (block.language === "toml" && word !== undefined) {
      // Only this machine is to reach the servers of a test.
      const text = this.#fit(block.text).replaceAll('"0.0.0.0"', '"127.0.0.1"');
      await Deno.writeTextFile(`${this.#folder}/page/${word}`, text);
    }
    if (block.language !== "sh" || word !== "run") return;
    if (more.includes("server")) return await this.#startServer(block);
    const expected = Number(more.find((each) => each.startsWith("exit="))?.slice("exit=".length) ?? 0);
    const linesBefore = this.#server?.logLines.length ?? 0;
    const { stdout } = await this.#runScript(block, expected);
    if (more.includes("reloads")) {
      let line = 0;
      await this.#server?.waitForLine("that it reloaded its configuration", (text) => {
        return line++ >= linesBefore && text.includes('"configuration reloaded"') || undefined;
      });
    }
    if (next?.language === "text" && next.words[0] === "output") {
      const fault = matchOutput(stdout, this.#fit(next.text));
      assert.equal(fault, undefined, `${this.#page.path}:${next.line}: ${fault}\n--- it prints\n${stdout}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #runScript(block: Block, expected: number): Promise<CommandResult> {
    const where = `${this.#page.path}:${block.line}`;
    const script = `exec 2>&1\nset -eu\n${this.#fit(block.text)}`;
    // The exit code is looked at in here, so that the error can show what was printed.
    const judge =
      'code=0; sh -c "$1" || code=$?; test "$code" = "$2" || { echo "exited $code, expected $2"; exit 1; }';
    try {
      return await runCommand(["sh", "-c", judge, "sh", script, String(expected)], this.#surroundings());
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
  }

  async #startServer(block: Block): Promise<void> {
    await this.#server?.stop();
    const { cwd, env } = this.#surroundings();
    const args = ["-c", `exec ${this.#fit(block.text)}`];
    const server = new ServerProcess(`${this.#page.path}:${block.line}`, "sh", { args, cwd, env });
    this.#server = server;
    await server.waitForLine(
      "a line that says it listens",
      (line) => line.includes('"listening"') || undefined,
    );
  }

  #surroundings() {
    const path = `${this.#folder}/bin:${Deno.env.get("PATH") ?? ""}`;
    return { cwd: `${this.#folder}/page`, env: { PATH: path, NO_COLOR: "1" } };
  }

  #fit(text: string): string {
    return text.replaceAll(DOCUMENTED_PORT, this.#port);
  }
}

function findFreePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
