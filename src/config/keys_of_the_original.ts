/** Keys of the original registry that this version does not have, and what to do about each. */
import type { KeyPath } from "./key_path.ts";

/** What protects content must never be dropped in silence: this says that the start is refused. */
const REFUSES = "is not supported by this version, which refuses to start rather than ignore it";

const DURABLE = "remove it: every write is on disk before it is acknowledged";

const NO_REDIRECTS = "remove it: content is always served by the registry itself";

const ONE_DATABASE = "remove it: metadata lies in the database below root_dir of [blob_store.fs]";

const NO_CONNECTION_LIFE =
  "remove it: a connection lives as long as it works; see idle_timeout, body_timeout and minimum_body_rate of [server]";

/** Path of a key (`*` is any one name) and the rest of the sentence "key: ...". A key that arrives in the schema leaves this table. */
export const KEYS_OF_THE_ORIGINAL: ReadonlyMap<string, string> = new Map([
  ["server.query_timeout", NO_CONNECTION_LIFE],
  ["server.query_timeout_grace_period", NO_CONNECTION_LIFE],
  ["server.handshake_timeout", 'write handshake_timeout = "10s" under [server.tls]'],

  ["global.event_webhooks", `sending events ${REFUSES}`],
  ["global.job_queue", `a job queue ${REFUSES}`],
  ["global.atime_audit_window_secs", 'write pull_history = "1h" for how long is known who pulled'],
  ["global.max_concurrent_requests", "write threads under [server] for the number of threads, or remove it"],
  ["global.max_concurrent_cache_jobs", "remove it: what clients wait for is fetched at once"],
  ["global.max_concurrent_replication_jobs", "remove it: this version does not replicate"],
  ["global.enable_redirect", NO_REDIRECTS],
  ["global.enable_blob_redirect", NO_REDIRECTS],
  ["global.enable_manifest_redirect", NO_REDIRECTS],
  ["global.shutdown_drain_secs", 'write drain_timeout = "30s" under [server]'],
  ["global.namespace_walk_concurrency", "remove it: listings come from the database"],
  ["global.gc_grace_secs", 'write grace = "12h" under [collect]'],

  ["repository.*.event_webhooks", `sending events ${REFUSES}`],
  ["repository.*.downstream", `replicating to a downstream ${REFUSES}`],

  ["auth.oidc", `logging in with tokens of an OpenID Connect provider ${REFUSES}`],
  ["cache", "remove it: this version keeps its caches in memory and needs none configured"],
  ["event_webhook", `sending events ${REFUSES}`],
  ["ui", "remove it: this version has no web interface"],

  ["blob_store.fs.sync_to_disk", DURABLE],
  ["blob_store.s3", `keeping content in S3 ${REFUSES}; write [blob_store.fs]`],
  ["metadata_store", ONE_DATABASE],
]);

/** What to say about a key of the original, undefined when the original had no such key either. */
export function findKeyOfTheOriginal(path: KeyPath): string | undefined {
  const pattern = path.map((name, index) => index === 1 && path[0] === "repository" ? "*" : name);
  // A name with a dot in it must not read as two.
  return path.some((name, index) => index !== 1 && name.includes("."))
    ? undefined
    : KEYS_OF_THE_ORIGINAL.get(pattern.join("."));
}
