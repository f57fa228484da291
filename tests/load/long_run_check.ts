/** Runs a registry for minutes under everything at once, and looks whether memory, descriptors and times stay flat. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { writeServerCertificate } from "../harness/certificates.ts";
import { buildImage } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { findSample, readPrometheusText } from "../metrics/prometheus_text.ts";
import { readKeptMemory } from "./kept_memory.ts";
import { judgeFlatness, type Part, type Sample } from "./flatness.ts";
import { percentile } from "./percentile.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

const CONFIG = `
[global.access_policy]
default_allow = true
[collect]
interval = "7s"
grace = "5s"
[scrub]
interval = "11s"
rate = 0
`;

/** Images that each pusher keeps at a time; of an older one the manifest is deleted, and its blobs are garbage. */
const KEPT = 10;
const LAYER = 256 * 1024;
/** Characters that make manifests so large that the memory for them (64 MiB) is full in minutes; until then it would grow. */
const PADDING = "a".repeat(16 * 1024);

/**
 * ms without load, after which the engine has freed what it frees late and reloads have let go of what they replaced: only
 * then memory can be compared.
 */
const REST_MS = 75_000;

export interface LongRun {
  readonly seconds: number;
  readonly pushers: number;
  readonly readers: number;
  /** Looks at the memory at rest too, which takes two further minutes and a half. */
  readonly rests: boolean;
}

interface Load {
  readonly registry: RunningRegistry;
  readonly caPem: string;
  readonly pushed: { readonly repository: string; readonly tag: string }[];
  readTimes: number[];
  counts: { pushes: number; reads: number; deletions: number; connections: number };
  running: boolean;
  /** While it is pending nobody asks for anything. */
  rest: Promise<void> | undefined;
}

/** @throws {AssertionError} when something fails, or is not flat */
export async function checkLongRun(run: LongRun, tell: (line: string) => void): Promise<string> {
  await using registry = await startRegistry({ config: CONFIG });
  const folder = dirname(registry.caFile);
  const pairs = [`${folder}/even`, `${folder}/odd`];
  const authorities = [registry.caPem];
  for (const pair of pairs) {
    await Deno.mkdir(pair);
    authorities.push((await writeServerCertificate(pair)).caPem);
  }
  const load: Load = {
    registry,
    caPem: authorities.join(""),
    pushed: [],
    readTimes: [],
    counts: { pushes: 0, reads: 0, deletions: 0, connections: 0 },
    running: true,
    rest: undefined,
  };
  const work = Promise.all([
    ...Array.from({ length: run.pushers }, (_, index) => keepPushing(load, `team/app-${index}`)),
    ...Array.from({ length: run.readers }, () => keepReading(load)),
    keepConnecting(load),
    keepReloading(load, pairs),
  ]);
  const watched = watchTwice(load, run, tell);
  // Whoever fails ends everything.
  await Promise.race([work, watched]);
  load.running = false;
  const parts = await watched;
  await work;
  const jobs = await jobRuns(load);
  return `${run.seconds} s: ${JSON.stringify(load.counts)}, ${jobs}; ${judgeFlatness(parts, run.rests)}`;
}

async function watchTwice(
  load: Load,
  { seconds, rests }: LongRun,
  tell: (line: string) => void,
): Promise<Part[]> {
  const parts: Part[] = [];
  for (let half = 0; half < 2; half++) {
    const samples = await watch(load, seconds / 2, tell);
    const rest = Promise.withResolvers<void>();
    if (rests && load.running) {
      load.rest = rest.promise;
      await pause(REST_MS);
    }
    const atRest = (await readProcessMemory(load.registry.process.pid)).now;
    if (rests) tell(`at rest: ${megabytes(atRest)}`);
    parts.push({ samples, atRest });
    rest.resolve();
    load.rest = undefined;
  }
  return parts;
}

async function keepPushing(load: Load, repository: string): Promise<void> {
  using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
  const kept: { digest: string; tag: string }[] = [];
  for (let n = 0; load.running; n++) {
    await load.rest;
    const image = buildImage({ layerSizes: [LAYER, LAYER], annotations: { padding: PADDING } });
    const tag = `v${n}`;
    await api.pushImage(repository, image, tag);
    load.counts.pushes++;
    kept.push({ digest: image.manifest.digest, tag });
    load.pushed.push({ repository, tag });
    if (kept.length <= KEPT) continue;
    const old = kept.shift()!;
    load.pushed.splice(
      load.pushed.findIndex((each) => each.repository === repository && each.tag === old.tag),
      1,
    );
    const gone = await api.expect(202, "DELETE", `/v2/${repository}/manifests/${old.digest}`);
    await gone.body?.cancel();
    load.counts.deletions++;
  }
}

/** Manifests, the blobs in them, listings. */
async function keepReading(load: Load): Promise<void> {
  using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
  while (load.running) {
    await load.rest;
    const wanted = load.pushed[Math.floor(Math.random() * load.pushed.length)];
    if (wanted === undefined) {
      await pause(20);
      continue;
    }
    const began = performance.now();
    const answer = await api.request("GET", `/v2/${wanted.repository}/manifests/${wanted.tag}`);
    const text = await answer.text();
    load.readTimes.push(performance.now() - began);
    load.counts.reads++;
    // One that its pusher has just deleted is gone.
    if (answer.status === 404) continue;
    assert.equal(answer.status, 200, text);
    const [layer] = JSON.parse(text).layers;
    const blob = await api.request("GET", `/v2/${wanted.repository}/blobs/${layer.digest}`);
    const size = (await blob.arrayBuffer()).byteLength;
    assert.ok(blob.status === 404 || size === layer.size, `${blob.status} with ${size} bytes`);
    await (await api.expect(200, "GET", `/v2/${wanted.repository}/tags/list?n=5`)).body?.cancel();
    await pause(5);
  }
}

/** A connection of its own for each request. */
async function keepConnecting(load: Load): Promise<void> {
  while (load.running) {
    await load.rest;
    using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
    await (await api.expect(200, "GET", "/v2/_catalog")).body?.cancel();
    load.counts.connections++;
    await pause(100);
  }
}

/** Another certificate every three seconds, taken over by itself. */
async function keepReloading(load: Load, pairs: readonly string[]): Promise<void> {
  const folder = dirname(load.registry.caFile);
  for (let n = 0; load.running; n++) {
    await load.rest;
    for (const name of ["server.crt", "server.key"]) {
      await Deno.copyFile(`${pairs[n % 2]}/${name}`, `${folder}/${name}.new`);
      await Deno.rename(`${folder}/${name}.new`, `${folder}/${name}`);
    }
    await pause(3000);
  }
  assert.deepEqual(load.registry.logLines.filter((line) => line.includes("not reloaded")), []);
}

async function watch(load: Load, seconds: number, tell: (line: string) => void): Promise<readonly Sample[]> {
  using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
  const samples: Sample[] = [];
  const started = performance.now();
  const every = Math.min(10, seconds / 12);
  while (load.running && performance.now() - started < seconds * 1000) {
    await pause(every * 1000);
    const { pid } = load.registry.process;
    const times = load.readTimes;
    load.readTimes = [];
    const sample = {
      at: (performance.now() - started) / 1000,
      rss: (await readProcessMemory(pid)).now,
      files: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
      p50: percentile(times, 50),
      p99: percentile(times, 99),
      kept: await readKeptMemory(api),
    };
    samples.push(sample);
    tell(
      `${sample.at.toFixed(0)} s: ${megabytes(sample.rss)}, ${sample.files} descriptors, ` +
        `p50 ${sample.p50.toFixed(1)} ms, p99 ${sample.p99.toFixed(1)} ms, ` +
        [...sample.kept].map(([thread, bytes]) => `${thread} ${megabytes(bytes)}`).join(", "),
    );
  }
  return samples;
}

/** How often collection and scrub ran, of which none may have failed. */
async function jobRuns(load: Load): Promise<string> {
  using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
  const metrics = readPrometheusText(await (await api.expect(200, "GET", "/metrics")).text());
  const name = "simple_registry_job_runs_total";
  const families = metrics.get(name)?.samples ?? [];
  for (const { labels } of families) assert.notEqual(labels.result, "failed", JSON.stringify(labels));
  const runs = ["collect", "scrub"].map((task) => {
    const count = findSample(metrics, name, { task, result: "done" }) ?? 0;
    assert.ok(count > 0, `${task} never ran: ${families.map(({ labels }) => labels.task)}`);
    return `${count} runs of ${task}`;
  });
  return `${runs.join(", ")}, ${reloads(load)} reloads`;
}

function reloads({ registry }: Load): number {
  return registry.logLines.filter((line) => line.includes('"configuration reloaded"')).length;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
