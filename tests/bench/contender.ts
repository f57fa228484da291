/** A registry that is measured: started alone on a free loopback port, watched from outside, stopped again. */
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { findProgram } from "../harness/real_clients.ts";
import { type ServerCertificateFiles, writeServerCertificate } from "../harness/certificates.ts";

/** Where a registry shall listen and keep its data. */
export interface Placement {
  /** Folder for configuration and logs; goes after the run. */
  readonly workDir: string;
  readonly rootDir: string;
  readonly port: number;
  /** undefined for plain HTTP. */
  readonly tls: ServerCertificateFiles | undefined;
  /** PEM file of the CA whose clients are asked for their certificates; undefined asks nobody. */
  readonly clientCaFile: string | undefined;
}

/** A client certificate and its key, as files and as PEM. */
export interface ClientPair {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificatePem: string;
  readonly keyPem: string;
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
  /** What clients show; undefined where they are not asked. */
  readonly client: ClientPair | undefined;
  /** ms from the start of the process to its first answer, to the 5 ms between two questions. */
  readonly startMs: number;
  /** Folder for files of the work; goes after the run. */
  readonly workDir: string;
  readonly pid: number;
  /** Bytes of the program; undefined where it runs from sources. */
  readonly programSize: number | undefined;
}

/** Time that a registry gets to start and to stop, in ms. */
const PATIENCE_MS = 30_000;

/** Starts a contender on an empty data directory; the disposal stops it and removes everything. */
export async function startContender(
  contender: Contender,
  { tls, requestLog, mutual = false }: {
    readonly tls: boolean;
    readonly requestLog: boolean;
    /** Asks clients for their certificates. */
    readonly mutual?: boolean;
  },
): Promise<RunningContender> {
  const workDir = await Deno.makeTempDir({ prefix: "bench-" });
  try {
    const certificate = tls ? await writeServerCertificate(workDir) : undefined;
    const { clientCaFile, client } = mutual
      ? await writeClientPair(workDir)
      : { clientCaFile: undefined, client: undefined };
    const placement = {
      workDir,
      rootDir: `${workDir}/data`,
      port: findFreePort(),
      tls: certificate,
      clientCaFile,
    };
    const { argv, env } = await contender.command(placement, requestLog);
    const logFile = `${workDir}/log`;
    const started = performance.now();
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
      client,
      startMs: 0,
      workDir,
      pid: child.pid,
      programSize: argv[0] === Deno.execPath()
        ? undefined
        : Deno.statSync(findProgram(argv[0]!) ?? argv[0]!).size,
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
    return { ...running, startMs: performance.now() - started };
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

/** What a client of this process trusts and shows. */
export function credentialsOf(
  { tls, client }: Pick<RunningContender, "tls" | "client">,
): { caCerts: string[]; cert?: string; key?: string } {
  return {
    caCerts: tls === undefined ? [] : [tls.caPem],
    ...(client !== undefined && { cert: client.certificatePem, key: client.keyPem }),
  };
}

async function writeClientPair(
  workDir: string,
): Promise<{ readonly clientCaFile: string; readonly client: ClientPair }> {
  const authority = makeAuthority({ subject: "Bench Clients" });
  const { pem, keyPem } = makeClient(authority, { subject: [["O", "Developers"], ["CN", "bench"]] });
  const [clientCaFile, certificateFile, keyFile] = ["client-ca.pem", "client.cert", "client.key"].map((
    name,
  ) => `${workDir}/${name}`) as [string, string, string];
  await Deno.writeTextFile(clientCaFile, authority.pem);
  await Deno.writeTextFile(certificateFile, pem);
  await Deno.writeTextFile(keyFile, keyPem);
  return { clientCaFile, client: { certificateFile, keyFile, certificatePem: pem, keyPem } };
}

function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Asks until something answers: with its log off a registry does not say that it listens. */
async function waitUntilItAnswers(
  registry: RunningContender,
  child: Deno.ChildProcess,
): Promise<void> {
  const { url } = registry;
  using client = Deno.createHttpClient(credentialsOf(registry));
  let ended = false;
  child.status.then(() => ended = true);
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    if (ended) throw new Error("it ended");
    try {
      await (await fetch(`${url}/v2/`, { client })).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
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
