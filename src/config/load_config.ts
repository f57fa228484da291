/** TOML texts to checked settings; everything that is wrong with them is told at once. */
import { checkExposure } from "./check_exposure.ts";
import { checkRepositories } from "./check_repositories.ts";
import { checkWebhookNames } from "./check_webhook_names.ts";
import type { Checking } from "./checking.ts";
import { ConfigError, type Problem } from "./config_error.ts";
import { emptyTable, mergeTables } from "./document.ts";
import type { Environment } from "./expand_environment.ts";
import { readAccessPolicy } from "./read_access_policy.ts";
import { readIdentities, readTokenService } from "./read_auth.ts";
import { readCollect } from "./read_collect.ts";
import { readDocument } from "./read_document.ts";
import { readSyncs } from "./read_syncs.ts";
import { readTable } from "./read_table.ts";
import { readListeners } from "./read_listeners.ts";
import { readRetentionRules, type RetentionReading } from "./read_retention.ts";
import { readTagSettings } from "./read_tag_settings.ts";
import { readTls } from "./read_tls.ts";
import { readWebhooks } from "./read_webhooks.ts";
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
 * `readFile` the bytes of a file that a key names (what it throws becomes a problem); certificates are dated against
 * `now`.
 *
 * @throws {ConfigError} with every problem, in the order of the files and lines
 */
export function loadConfig(
  sources: readonly ConfigSource[],
  env: Environment,
  readFile: (path: string) => Uint8Array,
  now: Date = new Date(),
): Settings {
  const problems: Problem[] = [];
  const document = sources
    .map((source) => readDocument(source.file, source.text, problems))
    .reduce(mergeTables, emptyTable({ file: "", line: 0, column: 0 }));
  const complete = problems.length === 0;
  const values = readTable(SCHEMA, document, [], { env, problems, complete });
  const { server, global, auth, observability: { tracing } } = values;
  const warnings: string[] = [];
  const checking: Checking = { document, readFile, now, complete, problems, warnings };

  const tls = server.tls && readTls(server.tls, checking);
  const ownPolicy = readAccessPolicy(global.access_policy, ["global", "access_policy"], checking);
  const retention: RetentionReading = { countsPulls: global.update_pull_time, checking };
  const retentionRules = readRetentionRules(
    global.retention_policy,
    ["global", "retention_policy"],
    retention,
  );
  const collect = readCollect(values.collect, checking);
  const identities = readIdentities(auth.identity, checking);
  const tokenService = auth.token_service && readTokenService(auth.token_service, checking);
  const webhooks = readWebhooks(auth.webhook, checking);
  const webhookNames = checkWebhookNames(values, checking);
  const tags = readTagSettings(global, ["global"], checking);
  const repositories = checkRepositories(values.repository, { webhookNames, tags, retention }, checking);
  const syncs = readSyncs(values.mirror, checking);
  const takesCredentials = identities.length > 0 || tokenService !== undefined;
  const { policy: accessPolicy, listeners } = checkExposure({
    listeners: readListeners(server, checking),
    globalPolicy: ownPolicy,
    repositoryNames: values.repository.map((table) => table.name),
    asksWebhook: webhookNames.global !== undefined,
    certificateRequired: server.tls?.client_auth === "required",
    takesCredentials,
    knowsCallers: takesCredentials || tls?.clientAuth !== undefined || webhooks.length > 0,
    behindProxy: global.trusted_proxies.length > 0,
  }, checking);

  if (problems.length > 0) throw new ConfigError(inOrder(problems, sources));
  return {
    server: {
      listeners,
      ...(server.external_url !== undefined && { externalUrl: server.external_url }),
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
      verifyOnRead: values.blob_store.fs.verify_on_read,
      smallBlobLimit: values.blob_store.fs.small_blob_limit,
    },
    global: {
      maxManifestSize: global.max_manifest_size,
      maxBlobSize: global.max_blob_size,
      allowMissingManifestReferences: global.allow_missing_manifest_references,
      uploadExpiryMs: global.upload_expiry,
      tags,
      retention: {
        rules: retentionRules,
        intervalMs: global.retention_interval,
        maxRemovalsPercent: global.max_removals_percent,
      },
      tagHistoryMs: global.tag_history,
      ...(global.update_pull_time && { pullHistoryMs: global.pull_history }),
      ...(accessPolicy && { accessPolicy }),
      ...(webhookNames.global !== undefined && { authorizationWebhook: webhookNames.global }),
      trustedProxies: global.trusted_proxies.map((network) => network.value),
    },
    collect,
    scrub: { intervalMs: values.scrub.interval, rate: values.scrub.rate },
    ...(tracing?.endpoint !== undefined && {
      tracing: { endpoint: tracing.endpoint, samplingRate: tracing.sampling_rate },
    }),
    auth: { identities, webhooks, ...(tokenService && { tokenService }) },
    repositories,
    syncs,
    warnings,
  };
}

function inOrder(problems: readonly Problem[], sources: readonly ConfigSource[]): Problem[] {
  const order = (problem: Problem) => sources.findIndex((source) => source.file === problem.file);
  return problems.toSorted((a, b) => order(a) - order(b) || a.line - b.line || a.column - b.column);
}

/** What holds with no file at all: loopback only, everything allowed. That is said with how to push, not as a warning. */
export const BUILT_IN: Settings = {
  ...loadConfig([], () => undefined, () => new Uint8Array()),
  warnings: [],
};
