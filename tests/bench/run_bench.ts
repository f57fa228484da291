/** `make bench`: measures this registry against a peer and prints the ratios. See {@linkcode USAGE}. */
import { fileURLToPath } from "node:url";
import { runCommand } from "../harness/run_command.ts";
import { type BenchOptions, parseBenchOptions, USAGE } from "./bench_options.ts";
import { LargeFile } from "./blob_transfer.ts";
import { type Comparison, describeComparison, formatComparisons } from "./comparison.ts";
import { type Contender, startContender } from "./contender.ts";
import { findPeer } from "./peer.ts";
import { runTable } from "./run_table.ts";
import { makeThisRegistry } from "./this_registry.ts";
import { WORK, type Work } from "./work.ts";

const projectDir = fileURLToPath(new URL("../../", import.meta.url));

interface Contest {
  readonly ours: Contender;
  readonly peer: Contender;
  readonly options: BenchOptions;
  readonly file: LargeFile;
}

async function runBench(options: BenchOptions): Promise<void> {
  if (options.help) return console.log(USAGE);
  const works = WORK.filter(({ name }) =>
    options.only.length === 0 || options.only.some((part) => name.includes(part))
  );
  if (options.table) return console.log(await runTable(options));
  if (options.list) return works.forEach(({ name }) => console.log(name));
  const binary = Deno.env.get("SIMPLE_REGISTRY_BINARY") || undefined;
  const ours = makeThisRegistry("simple-registry", projectDir, binary);
  const peer = options.against === undefined
    ? await findPeer(projectDir)
    : makeThisRegistry(options.against, options.against, undefined);
  const directory = await Deno.makeTempDir({ prefix: "bench-file-" });
  try {
    const file = await LargeFile.create(`${directory}/blob`, options.blobSize);
    const found: Record<string, unknown>[] = [];
    for (const tls of options.transports) {
      const comparisons: Comparison[] = [];
      for (const work of works) comparisons.push(await compare({ ours, peer, options, file }, work, tls));
      found.push(...comparisons.map((comparison) => ({ tls, ...describeComparison(comparison) })));
      if (!options.json) console.log(formatComparisons(tls ? "HTTPS" : "HTTP", peer.name, comparisons));
    }
    if (isWhole(options)) console.log(await runTable(options));
    if (options.json) console.log(JSON.stringify({ peer: peer.name, comparisons: found }, undefined, 2));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** True when no option asks for a part only. */
function isWhole({ only, transports, against, json }: BenchOptions): boolean {
  return only.length === 0 && transports.length === 2 && against === undefined && !json;
}

/** Measures both in turn, the first one changing from round to round, so that what drifts hits both alike. */
async function compare(contest: Contest, work: Work, tls: boolean): Promise<Comparison> {
  const { ours, peer, options: { rounds } } = contest;
  const figures = new Map<Contender, number[]>([[ours, []], [peer, []]]);
  const notes = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? [ours, peer] : [peer, ours]) {
      const figure = await measure(contest, work, tls, contender, (note) => notes.add(note));
      figures.get(contender)!.push(figure);
      console.error(
        `${tls ? "HTTPS" : "HTTP"}, round ${round + 1}: ${work.name}, ${contender.name}: ${
          Math.round(figure)
        }`,
      );
    }
  }
  return { work, ours: figures.get(ours)!, peers: figures.get(peer)!, notes: [...notes] };
}

async function measure(
  { options: { seconds }, file }: Contest,
  work: Work,
  tls: boolean,
  contender: Contender,
  addNote: (note: string) => void,
): Promise<number> {
  // What was left to be written to the disk must not slow this one down.
  await runCommand(["sync"]);
  await using registry = await startContender(contender, { tls, requestLog: work.requestLog ?? true });
  return await work.measure({
    registry,
    seconds,
    file,
    note: (text) => addNote(`${contender.name}: ${text}`),
  });
}

let options: BenchOptions;
try {
  options = parseBenchOptions(Deno.args);
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  Deno.exit(2);
}
await runBench(options);
