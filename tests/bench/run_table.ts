/**
 * One table over this registry and a peer, plain and with client certificates, with one and two threads: what they do in a
 * second beside what the peer does, and what memory they take for it.
 */
import { fileURLToPath } from "node:url";
import { runCommand } from "../harness/run_command.ts";
import type { BenchOptions } from "./bench_options.ts";
import { LargeFile, pullLargeBlob, pushLargeBlob } from "./blob_transfer.ts";
import { medianOf } from "./comparison.ts";
import { type Contender, readMemory, type RunningContender, startContender } from "./contender.ts";
import { measureHandshakes } from "./handshake_rate.ts";
import { findPeer } from "./peer.ts";
import { makeThisRegistry } from "./this_registry.ts";
import { measureLoad, pushSample, SAMPLE } from "./work.ts";

interface Row {
  readonly name: string;
  readonly contender: Contender;
  readonly mutual: boolean;
}

interface Column {
  readonly name: string;
  readonly measure: (context: ColumnContext) => Promise<number | undefined>;
}

interface ColumnContext {
  readonly registry: RunningContender;
  readonly seconds: number;
  readonly file: LargeFile;
}

const CONNECTIONS = 16;

/** Three rules of the kind that people write, the last of which is the one that allows. */
const RULES = `
[global.access_policy]
rules = [
  "identity.certificate.organizations.contains('Infrastructure')",
  "identity.username == 'ci' && request.action.startsWith('put-') && request.namespace.startsWith('team/')",
  "identity.certificate.common_names.exists(name, name == 'bench') && request.namespace.startsWith('bench/')",
]
`;

const ALLOW_ALL = `
[global.access_policy]
default = "allow"
`;

/** In this order on one process, so that memory is what all of it has taken. */
const COLUMNS: readonly Column[] = [
  {
    name: "program, MB",
    measure: async ({ registry: { programSize } }) =>
      programSize === undefined ? undefined : programSize / 1e6,
  },
  { name: "start, ms", measure: async ({ registry }) => registry.startMs },
  { name: "idle, MB", measure: async ({ registry }) => (await readMemory(registry.pid)).now },
  { name: "GET manifest/s", measure: measureGets },
  {
    name: "images/s",
    measure: ({ registry, seconds }) =>
      measureLoad({ registry, seconds, note: () => {} }, 4, { kind: "push" }),
  },
  {
    name: "handshakes/s",
    measure: async ({ registry, seconds }) =>
      registry.tls === undefined ? undefined : await measureHandshakes(registry, seconds),
  },
  {
    name: "push MB/s",
    measure: async ({ registry, file }) => (await pushLargeBlob(registry, "bench/push", file)).rate,
  },
  {
    name: "pull MB/s",
    async measure({ registry, file }) {
      const { digest } = await pushLargeBlob(registry, "bench/pull", file);
      await pullLargeBlob(registry, `/v2/bench/pull/blobs/${digest}`, 1);
      return await pullLargeBlob(registry, `/v2/bench/pull/blobs/${digest}`, 1);
    },
  },
  { name: "peak, MB", measure: async ({ registry }) => (await readMemory(registry.pid)).peak },
];

async function measureGets({ registry, seconds }: ColumnContext): Promise<number> {
  await pushSample(registry);
  const path = `/v2/${SAMPLE}/manifests/latest`;
  return await measureLoad({ registry, seconds, note: () => {} }, CONNECTIONS, { kind: "get", path });
}

/** Measures everything and gives the table as text. */
export async function runTable(options: BenchOptions): Promise<string> {
  const rows = await makeRows();
  const directory = await Deno.makeTempDir({ prefix: "bench-file-" });
  try {
    const file = await LargeFile.create(`${directory}/blob`, options.blobSize);
    const figures = rows.map(() => COLUMNS.map((): number[] => []));
    for (let round = 0; round < options.rounds; round++) {
      for (const [r, { name, contender, mutual }] of rows.entries()) {
        await runCommand(["sync"]);
        await using registry = await startContender(contender, { tls: mutual, requestLog: true, mutual });
        for (const [c, column] of COLUMNS.entries()) {
          const figure = await column.measure({ registry, seconds: options.seconds, file });
          if (figure !== undefined) figures[r]![c]!.push(figure);
        }
        console.error(`table, round ${round + 1}: ${name}`);
      }
    }
    return formatTable(rows, figures);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function makeRows(): Promise<readonly Row[]> {
  const projectDir = fileURLToPath(new URL("../../", import.meta.url));
  const binary = Deno.env.get("SIMPLE_REGISTRY_BINARY") || undefined;
  const ours = (threads: number, config: string): Contender =>
    makeThisRegistry("simple-registry", projectDir, binary, { threads, config });
  const peer = await findPeer(projectDir);
  return [
    { name: peer.name, contender: peer, mutual: false },
    { name: "ours, 1 thread", contender: ours(1, ""), mutual: false },
    { name: "ours, 2 threads", contender: ours(2, ""), mutual: false },
    { name: `${peer.name}, mTLS`, contender: peer, mutual: true },
    { name: "ours, mTLS, 1 thread", contender: ours(1, ALLOW_ALL), mutual: true },
    { name: "ours, mTLS, 2 threads", contender: ours(2, ALLOW_ALL), mutual: true },
    { name: "ours, mTLS, 2 threads, 3 rules", contender: ours(2, RULES), mutual: true },
  ];
}

/** Medians, each with its ratio to the peer's of the same transport. */
function formatTable(rows: readonly Row[], figures: readonly (readonly number[][])[]): string {
  const peers = [false, true].map((mutual) => rows.findIndex((row) => row.mutual === mutual));
  const cells = rows.map((row, r) => [
    row.name,
    ...COLUMNS.map((_, c) => {
      const own = figures[r]![c]!;
      if (own.length === 0) return "-";
      const text = Math.round(medianOf(own)).toLocaleString("en");
      if (peers.includes(r)) return text;
      return `${text} (${(medianOf(own) / medianOf(figures[peers[row.mutual ? 1 : 0]!]![c]!)).toFixed(2)})`;
    }),
  ]);
  const table = [["", ...COLUMNS.map(({ name }) => name)], ...cells];
  const widths = table[0]!.map((_, c) => Math.max(...table.map((line) => line[c]!.length)));
  const lines = table.map((line) =>
    line.map((cell, c) => c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)).join("  ")
  );
  return [...lines, "", "In brackets: how many times the peer's of the same transport.", ""].join("\n");
}
