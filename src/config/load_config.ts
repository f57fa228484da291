/** TOML texts to checked settings; everything that is wrong with them is told at once. */
import { checkRepositories } from "./check_repositories.ts";
import { ConfigError, type Problem, problemAt } from "./config_error.ts";
import { emptyTable, findEntry, mergeTables } from "./document.ts";
import type { Environment } from "./expand_environment.ts";
import { isLoopback } from "./is_loopback.ts";
import { readDocument } from "./read_document.ts";
import { readTable } from "./read_table.ts";
import { readTls } from "./read_tls.ts";
import { SCHEMA, TLS } from "./schema.ts";
import type { Settings } from "./settings.ts";

export { ConfigError, type Problem };

export interface ConfigSource {
  /** How messages name the file. */
  readonly file: string;
  readonly text: string;
}

/**
 * Merges the files left to right and checks the result. Pure but for the callbacks: `env` gives environment variables,
 * `readFile` the text of a PEM file (what it throws becomes a problem); certificates are dated against `now`.
 *
 * @throws {ConfigError} with every problem, in the order of the files and lines
 */
export function loadConfig(
  sources: readonly ConfigSource[],
  env: Environment,
  readFile: (path: string) => string,
  now: Date = new Date(),
): Settings {
  const problems: Problem[] = [];
  const document = sources
    .map((source) => readDocument(source.file, source.text, problems))
    .reduce(mergeTables, emptyTable({ file: "", line: 0, column: 0 }));
  const complete = problems.length === 0;
  const values = readTable(SCHEMA, document, [], { env, problems, complete });
  const { server, global } = values;
  const warnings: string[] = [];

  const repositories = checkRepositories(values.repository, problems);
  const tls = server.tls && readTls(server.tls, { document, readFile, now, problems, warnings });
  const address = findEntry(document, ["server", "bind_address"]);
  if (address !== undefined && !isLoopback(server.bind_address)) {
    if (findEntry(document, ["server", "tls"]) !== undefined) {
      warnings.push(
        `Listening on ${server.bind_address} without an access policy: everybody who reaches it can pull, push and delete`,
      );
    } else if (complete) {
      problems.push(problemAt(address.node.at, ["server", "bind_address"], OPEN_TO_ALL));
    }
  }

  if (problems.length > 0) throw new ConfigError(inOrder(problems, sources));
  return {
    server: {
      bindAddress: server.bind_address,
      port: server.port,
      threads: server.threads,
      handshakeTimeoutMs: server.tls?.handshake_timeout ?? TLS.handshake_timeout.fallback,
      headersTimeoutMs: server.headers_timeout,
      idleTimeoutMs: server.idle_timeout,
      minimumBodyRate: server.minimum_body_rate,
      bodyStallTimeoutMs: server.body_timeout,
      drainTimeoutMs: server.drain_timeout,
      maxConnections: server.max_connections,
      ...(tls && { tls }),
    },
    blobStore: {
      rootDir: values.blob_store.fs.root_dir,
      minimumFreeSpace: values.blob_store.fs.minimum_free_space,
    },
    global: {
      maxManifestSize: global.max_manifest_size,
      maxBlobSize: global.max_blob_size,
      allowMissingManifestReferences: global.allow_missing_manifest_references,
      uploadExpiryMs: global.upload_expiry,
    },
    repositories,
    warnings,
  };
}

const OPEN_TO_ALL =
  'others can reach this address, and nothing would keep them out: write "127.0.0.1", or add ' +
  "[server.tls]; this version has no access policies";

function inOrder(problems: readonly Problem[], sources: readonly ConfigSource[]): Problem[] {
  const order = (problem: Problem) => sources.findIndex((source) => source.file === problem.file);
  return problems.toSorted((a, b) => order(a) - order(b) || a.line - b.line || a.column - b.column);
}

/** What holds with no file at all: loopback only, everything allowed. */
export const BUILT_IN: Settings = loadConfig([], () => undefined, () => "");
