/** A registry that is measured: started alone on a free loopback port, watched from outside, stopped again. */
import { type ServerCertificateFiles, writeServerCertificate } from "../harness/certificates.ts";

/** Where a registry shall listen and keep its data. */
export interface Placement {
  /** Folder for configuration and logs; goes after the run. */
  readonly workDir: string;
  readonly rootDir: string;
  readonly port: number;
  /** undefined for plain HTTP. */
  readonly tls: ServerCertificateFiles | undefined;
}

export interface Contender {
  readonly name: string;
  /** Writes the configuration and gives program and arguments. `requestLog` is whether each request is logged. */
  command(placement: Placement, requestLog: boolean): Promise<{
    readonly argv: readonly string[];
    readonly env?: Record<string, string>;
  }>;
}

export interface RunningContender extends AsyncDisposable {
  /** Such as "https://127.0.0.1:40123". */
  readonly url: string;
  readonly tls: ServerCertificateFiles | undefined;
  /** Folder for files of the work; goes after the run. */
  readonly workDir: string;
  readonly pid: number;
}

/** Time that a registry gets to start and to stop, in ms. */
const PATIENCE_MS = 30_000;

/** Starts a contender on an empty data directory; the disposal stops it and removes everything. */
export async function startContender(
  contender: Contender,
  { tls, requestLog }: { readonly tls: boolean; readonly requestLog: boolean },
): Promise<RunningContender> {
  const workDir = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    const certificate = tls ? await writeServerCertificate(workDir) : undefined;
    const placement = { workDir, rootDir: `${workDir}/data`, port: findFreePort(), tls: certificate };
    const { argv, env } = await contender.command(placement, requestLog);
    const logFile = `${workDir}/log`;
    // Into a file, as under a service manager: a pipe that is read here would take time from the work.
    const child = new Deno.Command("sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", logFile, ...argv],
      cwd: workDir,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      ...(env === undefined ? {} : { env }),
    }).spawn();
    const running: RunningContender = {
      url: `${tls ? "https" : "http"}://127.0.0.1:${placement.port}`,
      tls: certificate,
      workDir,
      pid: child.pid,
      async [Symbol.asyncDispose]() {
        await stopChild(child);
        await Deno.remove(workDir, { recursive: true });
      },
    };
    await waitUntilItAnswers(running, child).catch(async (error) => {
      const log = await Deno.readTextFile(logFile).catch(() => "");
      await stopChild(child);
      throw new Error(`${contender.name} did not start: ${(error as Error).message}\n${log.slice(-4000)}`);
    });
    return running;
  } catch (error) {
    await Deno.remove(workDir, { recursive: true });
    throw error;
  }
}

/** Memory of a process in MB (1,000,000 bytes): what it holds now, and the most that it ever held. */
export async function readMemory(pid: number): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024 / 1e6;
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Asks until something answers: with its log off a registry does not say that it listens. */
async function waitUntilItAnswers({ url, tls }: RunningContender, child: Deno.ChildProcess): Promise<void> {
  using client = Deno.createHttpClient({ caCerts: tls === undefined ? [] : [tls.caPem] });
  let ended = false;
  child.status.then(() => ended = true);
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    if (ended) throw new Error("it ended");
    try {
      await (await fetch(`${url}/v2/`, { client })).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`no answer within ${PATIENCE_MS} ms`);
}

async function stopChild(child: Deno.ChildProcess): Promise<void> {
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  kill("SIGTERM");
  const timer = setTimeout(() => kill("SIGKILL"), PATIENCE_MS);
  await child.status;
  clearTimeout(timer);
}
