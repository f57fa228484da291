/** Lets many clients take a large blob at a crawl, and measures their memory and what they cost the fast ones of their registry. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { runCommand } from "../harness/run_command.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";
import { percentile } from "./percentile.ts";

export interface SlowReadersTrial {
  readonly clients: number;
  /** Bytes of the blob that they take. */
  readonly blobSize: number;
  /** Times that they take 10 kB, once a second. */
  readonly seconds: number;
  /** Bytes that the registry's memory may grow by. */
  readonly growth: number;
  /** Part of its speed that a fast client must keep, where one of another registry on this machine keeps all of its own. */
  readonly keptSpeed: number;
}

/** A registry with a blob. */
interface Source {
  readonly registry: RunningRegistry;
  readonly path: string;
}

const BYTES_A_SECOND = 10_000;
/** Pulls by fast clients of each registry before and meanwhile; the medians are compared. */
const PULLS = 5;
const SETTLE_S = 3;

/**
 * A second registry that has no slow readers is pulled from in turn: what all that wait takes of the machine's memory for
 * TCP, and what else the machine does meanwhile, it feels as well.
 *
 * @throws {AssertionError} for the first figure beyond its bound; gives all of them as text
 */
export async function checkSlowReaders(trial: SlowReadersTrial): Promise<string> {
  await using registry = await startRegistry({ tls: false });
  await using other = await startRegistry({ tls: false });
  const path = await pushBlob(registry, trial.blobSize);
  const sources = [{ registry, path }, { registry: other, path: await pushBlob(other, trial.blobSize) }];
  // What transfers leave behind is the code's, not the slow ones'.
  for (let i = 0; i < 3; i++) await Promise.all(sources.map(pull));
  const before = await measureSpeeds(sources);
  const { now: memoryBefore } = await readProcessMemory(registry.process.pid);

  const readers = await Promise.all(Array.from({ length: trial.clients }, async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: registry.port });
    await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
    return connection;
  }));
  const piece = new Uint8Array(BYTES_A_SECOND);
  let memory = 0;
  const take = async () => {
    for (const reader of readers) assert.ok(await reader.read(piece), "a slow reader was cut off");
    memory = Math.max(memory, (await readProcessMemory(registry.process.pid)).now);
  };
  // At first the system's own buffers take in megabytes for each of them, as fast as it goes.
  for (let second = 0; second < SETTLE_S; second++) {
    await take();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  // Beside those who read on once a second.
  let meanwhile: readonly number[] | undefined;
  const measuring = measureSpeeds(sources).then((speeds) => meanwhile = speeds);
  for (let second = 0; second < trial.seconds || meanwhile === undefined; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await take();
  }
  const kept = (await measuring).map((speed, i) => speed / before[i]!);
  for (const reader of readers) reader.close();

  const growth = memory - memoryBefore;
  const figures = [
    `${trial.clients} slow readers: memory grew by ${megabytes(growth)} from ${megabytes(memoryBefore)}`,
    ...["of their registry", "of another one"].map((of, i) =>
      `fast pulls ${of}: ${before[i]!.toFixed(0)} MB/s before, ${
        meanwhile![i]!.toFixed(0)
      } MB/s meanwhile, ` +
      `${(kept[i]! * 100).toFixed(0)} %`
    ),
  ].join("\n");
  assert.ok(growth < trial.growth, figures);
  assert.ok(kept[0]! / kept[1]! > trial.keptSpeed, figures);
  return figures;
}

async function pushBlob(registry: RunningRegistry, size: number): Promise<string> {
  const bytes = new Uint8Array(size);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  using api = new RegistryApi(registry);
  await api.pushBlob("app", { bytes, digest, mediaType: "application/octet-stream" });
  return `/v2/app/blobs/${digest}`;
}

/** MB/s of a client of each that takes what it can, in turn, so that what drifts hits all alike. */
async function measureSpeeds(sources: readonly Source[]): Promise<number[]> {
  const speeds: number[][] = sources.map(() => []);
  for (let i = 0; i < PULLS; i++) {
    for (const [of, source] of sources.entries()) speeds[of]!.push(await pull(source));
  }
  return speeds.map((of) => percentile(of, 50));
}

/** By a program of its own, since the slow ones live here. */
async function pull({ registry, path }: Source): Promise<number> {
  const { stdout } = await runCommand([
    ...["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null"],
    ...["--write-out", "%{speed_download}", `${registry.url}${path}`],
  ]);
  return Number(stdout) / 1e6;
}
