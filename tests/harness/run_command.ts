/** Runs a client program to its end, with a time limit and an error that shows what it said. */

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly stdin?: Uint8Array | string;
  /** After this time the program and its children are killed; 120,000 when absent. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

/** Runs `[program, ...arguments]` and throws an Error with its whole output unless it exits 0. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await captureCommand(argv, options);
  if (result.code !== 0) throw new Error(describe(argv, `exited ${result.code}, expected 0`, result));
  return result;
}

/** Runs `[program, ...arguments]` and throws an Error with its whole output when it exits 0. */
export async function runFailingCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await captureCommand(argv, options);
  if (result.code === 0) throw new Error(describe(argv, "exited 0, expected a failure", result));
  return result;
}

/** Runs `[program, ...arguments]` and gives its result, whatever its exit code is. */
export async function captureCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("Cannot run a command without a program name");
  const child = new Deno.Command(program, {
    args,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    // A process group of its own, so that the time limit reaches the children of the client too.
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  }).spawn();
  const timeoutMs = options.timeoutMs ?? 120_000;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child.pid);
  }, timeoutMs);
  try {
    const [output] = await Promise.all([child.output(), writeStdin(child, options.stdin)]);
    const decoder = new TextDecoder();
    const result = {
      code: output.code,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
      stdoutBytes: output.stdout,
    };
    if (timedOut) throw new Error(describe(argv, `was killed after ${timeoutMs} ms`, result));
    return result;
  } finally {
    clearTimeout(timer);
  }
}

async function writeStdin(child: Deno.ChildProcess, stdin: Uint8Array | string | undefined): Promise<void> {
  if (stdin === undefined) return;
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  const writer = child.stdin.getWriter();
  // A program that ends without reading its input says why by its exit code, not by our broken pipe.
  await writer.write(bytes).then(() => writer.close(), () => {});
}

function killGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function describe(argv: readonly string[], what: string, result: CommandResult): string {
  const shown = result.stdout.length > 4000 ? `...${result.stdout.slice(-4000)}` : result.stdout;
  return `${argv.join(" ")}\n${what}\n--- stdout\n${shown}\n--- stderr\n${result.stderr.slice(-8000)}`;
}
