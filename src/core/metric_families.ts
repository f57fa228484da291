/** The vocabulary of metrics: every family that the program can tell, with what its labels may hold. */

export type MetricType = "counter" | "gauge" | "histogram";

interface Family {
  readonly type: MetricType;
  /** A sentence for the HELP line, without full stop. */
  readonly help: string;
  /**
   * Names of its labels. Their values come from the program and its configuration only: what a client chooses, such as the
   * name of a repository, could grow without end.
   */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending, without the infinite one. */
  readonly buckets?: readonly number[];
}

/** Seconds: from a small answer out of memory to a large layer on a slow line. */
const REQUEST_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300] as const;
/** Seconds: what work in a thread keeps its other work waiting. */
const LAG_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;
/** Seconds: a transaction with its fsync. */
const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5] as const;

/**
 * By name without the prefix `simple_registry_`; those that begin with `process_` have none, because tools know them by
 * these names. Units are base units: seconds, bytes (Prometheus, "Metric and label naming").
 */
export const METRIC_FAMILIES = {
  requests_total: {
    type: "counter",
    help: "Requests that were answered, by operation (the action of access rules) and status",
    labels: ["operation", "status"],
  },
  request_duration_seconds: {
    type: "histogram",
    help: "Time from the end of a request's head to the last byte of its answer handed to the system",
    labels: ["operation"],
    buckets: REQUEST_SECONDS,
  },
  request_body_bytes_total: {
    type: "counter",
    help: "Bytes of request bodies that were received",
    labels: ["operation"],
  },
  response_body_bytes_total: {
    type: "counter",
    help: "Bytes of response bodies that were handed to the system",
    labels: ["operation"],
  },
  requests_in_flight: { type: "gauge", help: "Requests under way", labels: [] },
  connections_open: {
    type: "gauge",
    help: "Connections of clients, those in their TLS handshake included",
    labels: [],
  },
  broken_requests_total: {
    type: "counter",
    help:
      "Connections that were ended because no request could be read from them, by status of the bare answer",
    labels: ["status"],
  },
  authentications_total: {
    type: "counter",
    help:
      "Credentials that requests showed, by method (certificate, password, token, none) and what became of them",
    labels: ["method", "result"],
  },
  policy_denials_total: {
    type: "counter",
    help: "Operations that were refused, by what decided: the place of a rule, a webhook, or no rule",
    labels: ["decided_by"],
  },
  mirror_pulls_total: {
    type: "counter",
    help:
      "Pulls from mirrors, by content (manifest, blob) and where it came from: hit (here), miss (upstream), stale (here, because the upstream failed)",
    labels: ["content", "result"],
  },
  upstream_requests_total: {
    type: "counter",
    help:
      "What upstreams of mirrors were asked, by upstream, question and result (found, missing, or the kind of failure)",
    labels: ["upstream", "question", "result"],
  },
  tls_handshakes_total: { type: "counter", help: "TLS handshakes that were completed", labels: [] },
  tls_handshake_failures_total: {
    type: "counter",
    help: "TLS handshakes that failed, by class of reason",
    labels: ["reason"],
  },
  certificate_expiry_timestamp_seconds: {
    type: "gauge",
    help:
      "When the first of the configured certificates or lists ends: server, client_ca, client_crl (its next update)",
    labels: ["kind"],
  },
  storage_repositories: { type: "gauge", help: "Repositories", labels: [] },
  storage_manifests: { type: "gauge", help: "Manifests, counted once for each repository", labels: [] },
  storage_tags: { type: "gauge", help: "Tags", labels: [] },
  storage_blobs: { type: "gauge", help: "Blobs, each counted once whoever holds it", labels: [] },
  storage_blob_bytes: {
    type: "gauge",
    help: "Bytes of all blobs, each counted once whoever holds it",
    labels: [],
  },
  storage_uploads_open: {
    type: "gauge",
    help: "Upload sessions that are neither finished nor expired",
    labels: [],
  },
  quota_limit: {
    type: "gauge",
    help:
      "What a repository may hold, by the repository of the configuration that says so and by what is counted (bytes, manifests, tags)",
    labels: ["configured", "of"],
  },
  quota_used: {
    type: "gauge",
    help: "What the fullest of the repositories holds that such a quota is for, looked up once a minute",
    labels: ["configured", "of"],
  },
  storage_database_bytes: { type: "gauge", help: "Bytes of the database with its log", labels: [] },
  storage_disk_free_bytes: {
    type: "gauge",
    help: "Bytes that are free for this process on the file system of root_dir",
    labels: [],
  },
  storage_disk_size_bytes: { type: "gauge", help: "Bytes of the file system of root_dir", labels: [] },
  database_commit_duration_seconds: {
    type: "histogram",
    help: "Time of a transaction of the writer with its fsync; a transaction takes all writes that wait",
    labels: [],
    buckets: COMMIT_SECONDS,
  },
  database_writes_total: {
    type: "counter",
    help: "Writes of all transactions, by result (done, failed)",
    labels: ["result"],
  },
  job_runs_total: {
    type: "counter",
    help: "Runs of the server's own jobs that ended, by result (done, failed)",
    labels: ["task", "result"],
  },
  job_last_end_timestamp_seconds: { type: "gauge", help: "When a job last ended", labels: ["task"] },
  job_last_duration_seconds: { type: "gauge", help: "How long the last run of a job took", labels: ["task"] },
  job_last_report: {
    type: "gauge",
    help: "Numbers of the last report of a job, by what they count",
    labels: ["task", "counted"],
  },
  event_loop_lag_seconds: {
    type: "histogram",
    help: "How late a timer of a thread rang: what its other work waited",
    labels: ["thread"],
    buckets: LAG_SECONDS,
  },
  event_loop_lag_max_seconds: {
    type: "gauge",
    help: "The longest such wait of each thread within the last one to two minutes",
    labels: ["thread"],
  },
  thread_heap_used_bytes: {
    type: "gauge",
    help: "JavaScript objects of a thread, garbage that was not collected yet included",
    labels: ["thread"],
  },
  thread_external_memory_bytes: {
    type: "gauge",
    help: "Bytes that such objects hold outside of the heap, as buffers do",
    labels: ["thread"],
  },
  trace_spans_total: {
    type: "counter",
    help: "Spans of traces, by what became of them (exported, dropped)",
    labels: ["result"],
  },
  http_threads: { type: "gauge", help: "HTTP threads that listen", labels: [] },
  http_thread_deaths_total: { type: "counter", help: "HTTP threads that ended by themselves", labels: [] },
  config_last_reload_successful: {
    type: "gauge",
    help:
      "1 when the configuration on the disk is in force, 0 when the last reload failed and a former one stays",
    labels: [],
  },
  config_last_reload_success_timestamp_seconds: {
    type: "gauge",
    help: "When the configuration in force was taken over",
    labels: [],
  },
  build_info: {
    type: "gauge",
    help: "1, with the versions of the program and its runtime",
    labels: ["version", "deno"],
  },
  process_cpu_seconds_total: {
    type: "counter",
    help: "CPU time of the process, user and system",
    labels: [],
  },
  process_resident_memory_bytes: { type: "gauge", help: "Memory of the process in RAM", labels: [] },
  process_start_time_seconds: { type: "gauge", help: "When the process started", labels: [] },
} as const satisfies Readonly<Record<string, Family>>;

type Families = typeof METRIC_FAMILIES;

export type MetricName = keyof Families;

/** Names of the families of one type. */
export type MetricOf<T extends MetricType> = {
  [N in MetricName]: Families[N]["type"] extends T ? N : never;
}[MetricName];

/** Values of a family's labels, by their names. */
export type LabelsOf<N extends MetricName> = Readonly<Record<Families[N]["labels"][number], string>>;

/** The definition of a family. */
export function metricFamily(name: MetricName): Family {
  return METRIC_FAMILIES[name];
}

/** The name that Prometheus knows a family by. */
export function exposedName(name: MetricName): string {
  return name.startsWith("process_") ? name : `simple_registry_${name}`;
}
