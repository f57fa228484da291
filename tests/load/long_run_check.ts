/** Runs a registry for minutes under everything at once, and looks whether memory, descriptors and times stay flat. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { writeServerCertificate } from "../harness/certificates.ts";
import { buildImage } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { findSample, readPrometheusText } from "../metrics/prometheus_text.ts";
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

/** s after which what the engine frees late does not look like a leak. */
const ENOUGH_FOR_MEMORY = 1800;

/** What is left to memory that the engine frees late, in bytes an hour. */
const MOST_GROWTH = 60e6;

export interface LongRun {
  readonly seconds: number;
  readonly pushers: number;
  readonly readers: number;
}

interface Sample {
  /** s since the start. */
  readonly at: number;
  readonly rss: number;
  readonly files: number;
  /** ms of the reads since the last sample. */
  readonly p50: number;
  readonly p99: number;
}

interface Load {
  readonly registry: RunningRegistry;
  readonly caPem: string;
  readonly pushed: { readonly repository: string; readonly tag: string }[];
  readTimes: number[];
  counts: { pushes: number; reads: number; deletions: number; connections: number };
  running: boolean;
}

/** @throws {AssertionError} when something fails, or is not flat; the first quarter is taken for warming up */
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
  };
  const work = Promise.all([
    ...Array.from({ length: run.pushers }, (_, index) => keepPushing(load, `team/app-${index}`)),
    ...Array.from({ length: run.readers }, () => keepReading(load)),
    keepConnecting(load),
    keepReloading(load, pairs),
  ]);
  const watched = watch(load, run.seconds, tell);
  // Whoever fails ends everything.
  await Promise.race([work, watched]);
  load.running = false;
  const samples = await watched;
  await work;
  const jobs = await jobRuns(load);
  const verdict = judge(samples, run.seconds);
  return `${run.seconds} s: ${JSON.stringify(load.counts)}, ${jobs}; ${verdict}`;
}

async function keepPushing(load: Load, repository: string): Promise<void> {
  using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
  const kept: { digest: string; tag: string }[] = [];
  for (let n = 0; load.running; n++) {
    const image = buildImage({ layerSizes: [LAYER, LAYER] });
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
    for (const name of ["server.crt", "server.key"]) {
      await Deno.copyFile(`${pairs[n % 2]}/${name}`, `${folder}/${name}.new`);
      await Deno.rename(`${folder}/${name}.new`, `${folder}/${name}`);
    }
    await pause(3000);
  }
  assert.deepEqual(load.registry.logLines.filter((line) => line.includes("not reloaded")), []);
}

async function watch(load: Load, seconds: number, tell: (line: string) => void): Promise<readonly Sample[]> {
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
    };
    samples.push(sample);
    tell(
      `${sample.at.toFixed(0)} s: ${megabytes(sample.rss)}, ${sample.files} descriptors, ` +
        `p50 ${sample.p50.toFixed(1)} ms, p99 ${sample.p99.toFixed(1)} ms`,
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
  const runs = ["collect", "scrub"].map((job) => {
    const count = findSample(metrics, name, { job, result: "done" }) ?? 0;
    assert.ok(count > 0, `${job} never ran: ${families.map(({ labels }) => labels.job)}`);
    return `${count} runs of ${job}`;
  });
  return `${runs.join(", ")}, ${reloads(load)} reloads`;
}

function reloads({ registry }: Load): number {
  return registry.logLines.filter((line) => line.includes('"configuration reloaded"')).length;
}

function judge(samples: readonly Sample[], seconds: number): string {
  const warm = samples.slice(Math.ceil(samples.length / 4));
  const half = Math.ceil(warm.length / 2);
  const [early, late] = [warm.slice(0, half), warm.slice(half)];
  const growth = slope(warm.map(({ at, rss }) => [at, rss])) * 3600;
  const most = (part: readonly Sample[], of: "files" | "p99") => Math.max(...part.map((each) => each[of]));
  const [p99Early, p99Late] = [early, late].map((part) => percentile(part.map(({ p99 }) => p99), 50));
  const verdict =
    `memory ${megabytes(warm[0]!.rss)} to ${megabytes(warm.at(-1)!.rss)} (${
      (growth / 1e6).toFixed(0)
    } MB an hour), descriptors at most ${most(early, "files")} then ${most(late, "files")}, ` +
    `p99 ${p99Early!.toFixed(1)} then ${p99Late!.toFixed(1)} ms`;
  assert.ok(most(late, "files") <= most(early, "files") + 10, `descriptors grow: ${verdict}`);
  assert.ok(p99Late! <= 1.5 * p99Early! + 20, `reads become slower: ${verdict}`);
  // Over a short time the slope says nothing.
  if (seconds >= ENOUGH_FOR_MEMORY) assert.ok(growth <= MOST_GROWTH, `memory grows: ${verdict}`);
  return verdict;
}

/** Of the line through the points by least squares, in y for each x. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return over / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
