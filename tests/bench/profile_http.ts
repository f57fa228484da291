/**
 * Says where the time of one HTTP thread goes: `deno run -A --v8-flags=--expose-gc tests/bench/profile_http.ts WORK [--tls]`,
 * where WORK is manifest, blob, pull, push or images. The thread is this process, the client wrk, curl or a process of ours.
 */
import { ThreadMetrics } from "../../src/metrics/thread_metrics.ts";
import { Session } from "node:inspector";
import { loadConfig } from "../../src/config/load_config.ts";
import { openStoresAlone } from "../../src/cli/wire.ts";
import { RequestService } from "../../src/cli/request_service.ts";
import { PullCounter } from "../../src/registry/pull_counter.ts";
import { LocalManifestReader } from "../../src/registry/read_manifest.ts";
import { HttpServer } from "../../src/server/http_server.ts";
import { JsonLog } from "../../src/server/json_log.ts";
import { Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import { writeServerCertificate } from "../harness/certificates.ts";
import { LargeFile, pullLargeBlob, pushLargeBlob } from "./blob_transfer.ts";
import type { RunningContender } from "./contender.ts";
import { measureRequestRate } from "./request_rate.ts";
import { measureLoad, pushSample, SAMPLE } from "./work.ts";

const SECONDS = 4;
const MOST_LINES = 25;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

const [work, transport] = Deno.args;
if (
  !["manifest", "blob", "pull", "push", "images"].includes(work ?? "") ||
  ![undefined, "--tls"].includes(transport)
) {
  console.error(
    "Usage: deno run -A --v8-flags=--expose-gc tests/bench/profile_http.ts manifest|blob|pull|push|images [--tls]",
  );
  Deno.exit(2);
}
const workDir = await Deno.makeTempDir({ prefix: "profile-" });
const registry = await startHere(workDir, transport === "--tls");
try {
  const act = await prepare(registry);
  await act();
  const { profile, rate } = await profileOf(act);
  console.log(
    `${work}${transport === undefined ? "" : " over TLS"}: ${
      Math.round(rate).toLocaleString("en")
    } a second\n`,
  );
  console.log(describe(profile));
} finally {
  await Deno.remove(workDir, { recursive: true });
  Deno.exit();
}

/** Puts the content there; gives the work, which says how much of it was done a second. */
async function prepare(registry: RunningContender): Promise<() => Promise<number>> {
  if (work === "push") {
    const file = await LargeFile.create(`${workDir}/blob`, 1024 ** 3);
    return async () => (await pushLargeBlob(registry, "bench/push", file)).rate;
  }
  if (work === "pull") {
    const file = await LargeFile.create(`${workDir}/blob`, 1024 ** 3);
    const { digest } = await pushLargeBlob(registry, "bench/pull", file);
    return () => pullLargeBlob(registry, `/v2/bench/pull/blobs/${digest}`, 4);
  }
  if (work === "images") {
    return () => measureLoad({ registry, seconds: SECONDS, note: console.error }, 4, { kind: "push" });
  }
  const config = await pushSample(registry);
  const path = work === "manifest" ? "manifests/latest" : `blobs/${config}`;
  return () => measureRequestRate(`${registry.url}/v2/${SAMPLE}/${path}`, { seconds: SECONDS, workDir });
}

async function startHere(workDir: string, useTls: boolean): Promise<RunningContender> {
  const layout = new Layout(`${workDir}/data`);
  makeFolders(layout);
  const builtIn = loadConfig([{ file: "config.toml", text: "" }], () => undefined, () => new Uint8Array());
  const settings = { ...builtIn, blobStore: { ...builtIn.blobStore, rootDir: layout.rootDir } };
  const tls = useTls ? await writeServerCertificate(workDir) : undefined;
  // Lines are written and thrown away: what they cost to write is part of a request.
  const log = new JsonLog(() => {}, "info");
  const metrics = new ThreadMetrics(() => {});
  const stores = openStoresAlone(settings, log, { share: 1 });
  const service = new RequestService(
    {
      ...stores,
      manifests: new LocalManifestReader(nodeHasher),
      pulls: new PullCounter(stores.metadata, log),
    },
    {
      logs: { everything: log, auth: log, audit: log },
      metrics,
      scrape: undefined,
      openPasswords: () => undefined,
      sendSpans: () => {},
    },
  );
  await service.use(settings);
  const { server } = settings;
  const http = new HttpServer({
    handle: service.handle,
    limits: { ...server, bodyWindowMs: server.bodyStallTimeoutMs },
    log,
    metrics,
    tls: tls && {
      certificate: await Deno.readTextFile(tls.certificateFile),
      privateKey: await Deno.readTextFile(tls.keyFile),
    },
  });
  const port = await http.listen("127.0.0.1", 0);
  return {
    url: `${useTls ? "https" : "http"}://127.0.0.1:${port}`,
    tls,
    client: undefined,
    startMs: 0,
    programSize: undefined,
    workDir,
    pid: Deno.pid,
    [Symbol.asyncDispose]: () => http.drain(0),
  };
}

async function profileOf(act: () => Promise<number>): Promise<{ profile: Profile; rate: number }> {
  const session = new Session();
  session.connect();
  const post = (method: string): Promise<unknown> =>
    new Promise((resolve, reject) =>
      session.post(method, (error: Error | null, result: unknown) => error ? reject(error) : resolve(result))
    );
  await post("Profiler.enable");
  await post("Profiler.start");
  const rate = await act();
  const { profile } = await post("Profiler.stop") as { profile: Profile };
  return { profile, rate };
}

/** Part of the time that was spent in each function itself, the largest first, and in each group of files. */
function describe({ nodes, samples, timeDeltas }: Profile): string {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, number>();
  const groups = new Map<string, number>();
  let total = 0;
  for (const [i, sample] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(sample)!;
    // The last is what stops the profile itself.
    if (functionName === "(idle)" || url.endsWith("/inspector.js")) continue;
    const time = timeDeltas[i]!;
    total += time;
    const group = groupOf(functionName, url);
    const name = `${functionName || "(anonymous)"} ${url.split("/").slice(-2).join("/")}:${lineNumber + 1}`;
    add(functions, functionName.startsWith("(") ? functionName : name, time);
    add(groups, group, time);
  }
  const lines = (parts: Map<string, number>) =>
    [...parts].sort(([, a], [, b]) => b - a).slice(0, MOST_LINES)
      .map(([name, time]) => `${(time / total * 100).toFixed(1).padStart(5)} %  ${name}`);
  return [...lines(groups), "", ...lines(functions)].join("\n");
}

function add(parts: Map<string, number>, name: string, time: number): void {
  parts.set(name, (parts.get(name) ?? 0) + time);
}

function groupOf(functionName: string, url: string): string {
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)" || url === "") return "native code: sockets, files, the event loop";
  const layer = /\/src\/(\w+)\//.exec(url)?.[1];
  if (layer !== undefined) return `ours: src/${layer}`;
  return url.startsWith("node:") || url.startsWith("ext:") ? `runtime: ${url.split("/")[0]}` : "other";
}
