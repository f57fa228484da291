/** The command line of the benchmark. */

export const USAGE = `Usage: deno run -A tests/bench/run_bench.ts [OPTION]...

Runs the same work on this registry and on a peer, one after the other on loopback, and prints the ratios.

Options:
  --quick          one round of 2 s and blobs of 256 MiB, where the default is three rounds of 4 s and 1 GiB
  --only NAME      only work whose name holds NAME; repeat it for more
  --plain, --tls   only over HTTP, only over HTTPS; by default both
  --against DIR    another checkout of this project in the place of the peer
  --table          only the table over plain HTTP and mTLS, one and two threads, and what memory they take
  --json           every figure of every round as JSON instead of the table
  --list           the names of the work, then exit
  --help           this text, then exit

Environment:
  SIMPLE_REGISTRY_BINARY   measure this compiled binary instead of "deno run main.ts"
  REGISTRY_PEER            program of distribution, v2 or v3; by default "registry" in .tools/bin, then
                           "registry" and "docker-registry" on PATH

Needs wrk and curl.
`;

export interface BenchOptions {
  readonly rounds: number;
  /** Seconds that one measurement of a request rate takes. */
  readonly seconds: number;
  /** Bytes of the large blob. */
  readonly blobSize: number;
  /** Parts of names, one of which must be in the name of the work; empty for all. */
  readonly only: readonly string[];
  /** Which transports to measure; true for TLS. */
  readonly transports: readonly boolean[];
  readonly against: string | undefined;
  /** Only the table of run_table.ts, which a whole run ends with. */
  readonly table: boolean;
  readonly json: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** @throws {Error} for an option that does not exist or lacks its value */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const only: string[] = [];
  const flags = new Set<string>();
  let against: string | undefined;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    switch (arg) {
      case "--only":
        only.push(valueOf(arg, rest.shift()));
        break;
      case "--against":
        against = valueOf(arg, rest.shift());
        break;
      case "--quick":
      case "--plain":
      case "--tls":
      case "--json":
      case "--table":
      case "--list":
      case "--help":
        flags.add(arg);
        break;
      default:
        throw new Error(`unknown option ${arg}`);
    }
  }
  const quick = flags.has("--quick");
  const both = flags.has("--plain") === flags.has("--tls");
  return {
    rounds: quick ? 1 : 3,
    seconds: quick ? 2 : 4,
    blobSize: (quick ? 256 : 1024) * 1024 * 1024,
    only,
    transports: both ? [false, true] : [flags.has("--tls")],
    against,
    table: flags.has("--table"),
    json: flags.has("--json"),
    list: flags.has("--list"),
    help: flags.has("--help"),
  };
}

function valueOf(option: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`option ${option} needs a value`);
  return value;
}
