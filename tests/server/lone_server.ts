/** A server with the echo handler in a process of its own, so that its memory and its file descriptors can be counted. */
import { openFilesOf } from "../faults/process_files.ts";
import { TestServer } from "./test_server.ts";

/** The same server, seen from the test. */
export class LoneServer implements AsyncDisposable {
  readonly port: number;
  readonly caPem: string | undefined;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, port: number, caPem: string | undefined) {
    this.#child = child;
    this.port = port;
    this.caPem = caPem;
  }

  static async start(secure: boolean): Promise<LoneServer> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        // As the program runs: it lets go of body memory by asking for it.
        "--v8-flags=--expose-gc",
        "-A",
        "--no-check",
        import.meta.filename!,
        secure ? "secure" : "plain",
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let text = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.endsWith("\n")) break;
    }
    const { port, caPem } = JSON.parse(text);
    return new LoneServer(child, port, secure ? caPem : undefined);
  }

  /** Memory of the process in bytes now, and at most since the last call of {@linkcode forgetPeak}. */
  async readMemory(): Promise<{ now: number; peak: number }> {
    const status = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]) * 1024;
    return { now: read("VmRSS"), peak: read("VmHWM") };
  }

  async forgetPeak(): Promise<void> {
    await Deno.writeTextFile(`/proc/${this.#child.pid}/clear_refs`, "5");
  }

  countFileDescriptors(): number {
    return openFilesOf(this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

if (import.meta.main) {
  const { caPem } = await import("./test_server.ts");
  const server = await TestServer.start({ secure: Deno.args[0] === "secure" });
  console.log(JSON.stringify({ port: server.port, caPem }));
}
