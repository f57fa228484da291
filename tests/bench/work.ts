/** The work that registries are compared by, each with its goal. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { runCommand } from "../harness/run_command.ts";
import { type LargeFile, pullLargeBlob, pushLargeBlob } from "./blob_transfer.ts";
import { credentialsOf, readMemory, type RunningContender } from "./contender.ts";
import { measureRequestRate } from "./request_rate.ts";
import { pushImage } from "./push_image.ts";
import type { Load, LoadKind, LoadResult } from "./load_process.ts";
import { WireClient } from "./wire_client.ts";

export interface WorkContext {
  readonly registry: RunningContender;
  /** Seconds that a request rate is measured for. */
  readonly seconds: number;
  readonly file: LargeFile;
  /** Takes what limits the worth of a figure. */
  readonly note: (text: string) => void;
}

/** What a figure must reach: that many times the peer's, or at most that much whatever the peer does. */
export type Goal = { readonly timesPeer: number } | { readonly atMost: number };

export interface Work {
  readonly name: string;
  readonly unit: "req/s" | "MB/s" | "images/s" | "MB";
  readonly goal: Goal;
  /** False to measure with the log lines of requests off, where the registry has such a switch. */
  readonly requestLog?: false;
  readonly measure: (context: WorkContext) => Promise<number>;
}

/** Part of a core above which the load generator is taken for the bottleneck. */
const BUSY = 0.9;

export const SAMPLE = "bench/sample";

export const WORK: readonly Work[] = [
  { name: "GET manifest by tag", unit: "req/s", goal: { timesPeer: 2 }, measure: measureManifest },
  {
    name: "GET manifest by tag, no request log",
    unit: "req/s",
    goal: { timesPeer: 2 },
    requestLog: false,
    measure: measureManifest,
  },
  { name: "GET small blob", unit: "req/s", goal: { timesPeer: 4 }, measure: measureBlob },
  {
    name: "GET small blob, no request log",
    unit: "req/s",
    goal: { timesPeer: 4 },
    requestLog: false,
    measure: measureBlob,
  },
  { name: "HEAD small blob", unit: "req/s", goal: { timesPeer: 2 }, measure: measureHead },
  { name: "push large blob", unit: "MB/s", goal: { timesPeer: 1.2 }, measure: measurePush },
  { name: "pull large blob, 1 client", unit: "MB/s", goal: { timesPeer: 0.7 }, measure: measurePull(1) },
  { name: "pull large blob, 4 clients", unit: "MB/s", goal: { timesPeer: 0.7 }, measure: measurePull(4) },
  {
    name: "push small images, 1 client",
    unit: "images/s",
    goal: { timesPeer: 1 },
    measure: measureImages(1),
  },
  {
    name: "push small images, 4 clients",
    unit: "images/s",
    goal: { timesPeer: 2 },
    measure: measureImages(4),
  },
  { name: "memory when idle", unit: "MB", goal: { atMost: 80 }, measure: measureIdleMemory },
  { name: "memory after push of large blob", unit: "MB", goal: { atMost: 200 }, measure: measurePushMemory },
];

async function measureManifest({ registry, seconds }: WorkContext): Promise<number> {
  await pushSample(registry);
  const { url, workDir } = registry;
  return await measureRequestRate(`${url}/v2/${SAMPLE}/manifests/latest`, {
    seconds,
    workDir,
  });
}

async function measureBlob({ registry, seconds }: WorkContext): Promise<number> {
  const config = await pushSample(registry);
  const { url, workDir } = registry;
  return await measureRequestRate(`${url}/v2/${SAMPLE}/blobs/${config}`, { seconds, workDir });
}

async function measureHead(context: WorkContext): Promise<number> {
  const config = await pushSample(context.registry);
  return await measureLoad(context, 16, { kind: "head", path: `/v2/${SAMPLE}/blobs/${config}` });
}

/** Pushes one image for the requests that read; gives the digest of its config, a blob of 500 bytes. */
export async function pushSample(registry: RunningContender): Promise<string> {
  using client = await WireClient.connect(registry.url, credentialsOf(registry));
  return await pushImage(client, SAMPLE, "latest", { config: randomBytes(500), layer: randomBytes(10_000) });
}

async function measurePush({ registry, file }: WorkContext): Promise<number> {
  // The first one warms the code up.
  await pushLargeBlob(registry, "bench/push", file);
  return (await pushLargeBlob(registry, "bench/push", file)).rate;
}

function measurePull(clients: number): Work["measure"] {
  return async ({ registry, file }) => {
    const { digest } = await pushLargeBlob(registry, "bench/pull", file);
    const path = `/v2/bench/pull/blobs/${digest}`;
    await pullLargeBlob(registry, path, 1);
    return await pullLargeBlob(registry, path, clients);
  };
}

function measureImages(clients: number): Work["measure"] {
  return (context) => measureLoad(context, clients, { kind: "push" });
}

export async function measureLoad(
  { registry, seconds, note }: Omit<WorkContext, "file">,
  clients: number,
  work: LoadKind,
): Promise<number> {
  const load: Load = { work, url: registry.url, clients, seconds, credentials: credentialsOf(registry) };
  const script = fileURLToPath(new URL("./load_process.ts", import.meta.url));
  const { stdout } = await runCommand([Deno.execPath(), "run", "--allow-all", script, JSON.stringify(load)]);
  const { perSecond, busy } = JSON.parse(stdout) as LoadResult;
  if (busy > BUSY) note(`the client took ${Math.round(busy * 100)} % of a core: it may be the limit`);
  return perSecond;
}

async function measureIdleMemory({ registry }: WorkContext): Promise<number> {
  // What the start left behind is given back within this time, or not at all.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return (await readMemory(registry.pid)).now;
}

async function measurePushMemory({ registry, file }: WorkContext): Promise<number> {
  await pushLargeBlob(registry, "bench/push", file);
  return (await readMemory(registry.pid)).peak;
}
