/** Load that wrk cannot make, in a process of its own: `load_process.ts JOB`, where JOB is a {@linkcode Load} in JSON. */
import { randomBytes } from "node:crypto";
import { cpuUsage } from "node:process";
import { pushImage } from "./push_image.ts";
import { WireClient, type WireCredentials } from "./wire_client.ts";

/** What to do again and again: push an image whose blobs are new, or ask by HEAD (which wrk does not understand). */
export type LoadKind =
  | { readonly kind: "push" }
  | { readonly kind: "head"; readonly path: string }
  /** Some at a time on each connection; every answer has to have the same length. */
  | { readonly kind: "get"; readonly path: string };

export interface Load {
  readonly work: LoadKind;
  readonly url: string;
  /** For an https URL. */
  readonly credentials: WireCredentials;
  /** Connections, each with one request at a time. */
  readonly clients: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Part of one core that this process took: near 1 it is what limits the result. */
  readonly busy: number;
}

const LAYER_SIZE = 10_000;
const WARM_UP_SECONDS = 1;

/** Requests that are sent before their answers are read. */
const GETS_AHEAD = 8;

async function run(load: Load): Promise<LoadResult> {
  await repeat(load, "warm", WARM_UP_SECONDS);
  const [started, usedBefore] = [performance.now(), cpuUsage()];
  const done = await repeat(load, "run", load.seconds);
  const elapsed = (performance.now() - started) / 1000;
  const { user, system } = cpuUsage(usedBefore);
  return { perSecond: done / elapsed, busy: (user + system) / 1e6 / elapsed };
}

/** Gives the number of times that the work was done. */
async function repeat(
  { work, url, credentials, clients }: Load,
  prefix: string,
  seconds: number,
): Promise<number> {
  const until = performance.now() + seconds * 1000;
  const counts = await Promise.all(Array.from({ length: clients }, async (_, i) => {
    using client = await WireClient.connect(url, credentials);
    const step = await stepOf(work, client, `bench/${prefix}${i}`);
    let count = 0;
    for (; performance.now() < until; count++) await step(count);
    return work.kind === "get" ? count * GETS_AHEAD : count;
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** @param name repository of this client alone */
async function stepOf(
  work: LoadKind,
  client: WireClient,
  name: string,
): Promise<(count: number) => Promise<unknown>> {
  if (work.kind === "head") return () => client.send(200, "HEAD", work.path);
  if (work.kind === "get") {
    const bytes = await client.measureAnswer(work.path);
    return () => client.getMany(work.path, GETS_AHEAD, bytes);
  }
  const layer = randomBytes(LAYER_SIZE);
  return (count) => {
    // Every layer is new to the registry, and no time goes into making random bytes.
    layer.writeUInt32BE(count);
    const comment = `${name}:${count}:${Deno.pid}`;
    const config = JSON.stringify({ architecture: "amd64", os: "linux", comment });
    return pushImage(client, name, `v${count}`, { config: new TextEncoder().encode(config), layer });
  };
}

console.log(JSON.stringify(await run(JSON.parse(Deno.args[0] ?? "{}"))));
