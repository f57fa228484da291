/** Lets calls of the system fail in a process that runs, as a broken disk does, and work again. */
import assert from "node:assert/strict";

/** Fails calls in all threads of a process until it is disposed of. */
export class FaultInjector implements AsyncDisposable {
  readonly #strace: Deno.ChildProcess;

  private constructor(strace: Deno.ChildProcess) {
    this.#strace = strace;
  }

  /**
   * @param faults what strace takes after `-e inject=`, such as "fsync,fdatasync:error=EIO"
   * @throws {AssertionError} with what strace says when it may not look into processes
   */
  static async start(pid: number, faults: readonly string[]): Promise<FaultInjector> {
    const calls = faults.map((fault) => fault.slice(0, fault.indexOf(":"))).join(",");
    const strace = new Deno.Command("strace", {
      args: [
        ...["-f", "-o", "/dev/null", "-e", `trace=${calls}`],
        ...faults.flatMap((fault) => ["-e", `inject=${fault}`]),
        ...["-p", `${pid}`],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let said = "";
    const attached = Promise.withResolvers<void>();
    void (async () => {
      for await (const text of strace.stderr.pipeThrough(new TextDecoderStream())) {
        said += text;
        if (said.includes("attached")) attached.resolve();
      }
      attached.reject(new assert.AssertionError({ message: `strace cannot attach: ${said}` }));
    })();
    await attached.promise;
    return new FaultInjector(strace);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#strace.kill("SIGINT");
    await this.#strace.status;
  }
}
