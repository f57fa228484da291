/** Every table and key of the configuration: its type, its default, and what it is for. */
import { LARGEST_SMALL_BLOB } from "../core/small_blob.ts";
import type { KeyPath } from "./key_path.ts";
import { MIRROR, SYNC } from "./mirror_schema.ts";
import {
  key,
  type Keys,
  listKey,
  namedSections,
  optionalKey,
  optionalSection,
  repeatedSections,
  requiredKey,
  section,
} from "./schema_item.ts";
import {
  choice,
  COLLECTOR_URL,
  DAILY_WINDOW,
  FILE_MODE,
  HEADER_NAME,
  NAME,
  ORIGIN,
  PROXY,
  REALM,
  RULE,
  SECRET,
  TAG_PATTERN,
  USERNAME,
  WEBHOOK_URL,
} from "./text_type.ts";
import { ADDRESS, BOOLEAN, duration, FRACTION, integer, PATH, size } from "./value_type.ts";

/** A timer of the runtime that is longer than 2^31-1 ms fires at once. */
const TIMEOUT = duration({ ms: 24 * 86_400_000, text: "24d" });

const CACHE_TTL = duration({ ms: 30 * 86_400_000, text: "30d" }, 0);

const EXPIRY = duration({ ms: 3650 * 86_400_000, text: "3650d" });

const HISTORY = duration({ ms: 3650 * 86_400_000, text: "3650d" }, 0);

const COUNT = integer(1, 1_000_000_000);

export const TLS = {
  server_certificate_bundle: requiredKey(
    PATH,
    "PEM file with the server's certificate first, then the certificates that lead to its CA.",
  ),
  server_private_key: requiredKey(PATH, "PEM file with the private key of that certificate, not encrypted."),
  client_ca_bundle: optionalKey(
    PATH,
    "PEM file with the CAs of client certificates; with it every client is asked for its certificate.",
  ),
  client_auth: key(
    choice("optional", "required"),
    "optional",
    "Whether a client may come without a certificate.",
  ),
  client_crl_bundle: listKey(
    PATH,
    'a path or a list of paths such as ["/tls/root.crl", "/tls/issuing.crl"]',
    "Lists of revoked certificates, PEM or DER.",
    { takesOne: true },
  ),
  crl_missing: key(choice("deny", "allow"), "deny", "What becomes of a certificate whose issuer has no CRL."),
  crl_expired: key(
    choice("deny", "warn"),
    "deny",
    "What becomes of a certificate whose issuer's CRL is too old.",
  ),
  minimum_version: key(
    choice("1.2", "1.3"),
    "1.2",
    "Oldest version of TLS that is spoken.",
  ),
  advertise_client_cas: key(
    BOOLEAN,
    false,
    "Tells clients the names of the CAs, so that they choose among their certificates.",
  ),
  handshake_timeout: key(TIMEOUT, "10s", "A client that has not ended its TLS handshake by then is cut off."),
} satisfies Keys;

export const LISTENER = {
  bind_address: optionalKey(ADDRESS, 'IP address to listen on, "127.0.0.1" where there is no path either.'),
  port: optionalKey(integer(0, 65535), "TCP port to listen on, 8000 without it; 0 takes a free one."),
  path: optionalKey(PATH, "Unix socket to listen on, instead of an address and a port."),
  mode: optionalKey(
    FILE_MODE,
    'Who may connect to the unix socket, as permissions of a file; "0660" without it.',
  ),
  tls: optionalKey(BOOLEAN, "Whether TLS is spoken here; without it where there is a [server.tls]."),
  serves: key(
    choice("everything", "metrics"),
    "everything",
    'What is answered here; "metrics" is /metrics, /healthz and /readyz only.',
  ),
} satisfies Keys;

const SERVER = {
  bind_address: key(
    ADDRESS,
    "127.0.0.1",
    'IP address to listen on; "0.0.0.0" and "::" take every interface and need [server.tls].',
  ),
  port: key(integer(0, 65535), 8000, "TCP port to listen on; 0 takes a free one."),
  external_url: optionalKey(
    ORIGIN,
    "Where clients reach the registry when that is not the address that they name, as behind a proxy.",
  ),
  threads: key(integer(0, 256), 0, "Threads that answer requests; 0 makes one for each core."),
  max_connections: key(
    integer(1, 1_000_000),
    10_000,
    "Connections open at one time at each listener; further ones are refused.",
  ),
  headers_timeout: key(
    TIMEOUT,
    "15s",
    "A client that has not sent the whole head of its request by then is cut off.",
  ),
  idle_timeout: key(TIMEOUT, "75s", "A connection without a request is closed after this time."),
  minimum_body_rate: key(
    size(0, " a second"),
    "1KiB",
    "A client that sends the body of its request slower than this, in bytes a second, is cut off; 0 lets it.",
  ),
  body_timeout: key(TIMEOUT, "30s", "The stretch of time over which minimum_body_rate is measured."),
  drain_timeout: key(TIMEOUT, "30s", "How long a stop waits for the transfers under way."),
  listener: namedSections(
    "One of several places to listen at, instead of bind_address and port.",
    LISTENER,
  ),
  tls: optionalSection("With this table the registry speaks HTTPS, without it HTTP.", TLS),
} satisfies Keys;

const FILES = {
  root_dir: key(
    PATH,
    "./data",
    "Folder that holds everything: database, blobs and uploads. One process owns it.",
  ),
  minimum_free_space: key(
    size(0),
    "256MiB",
    "Uploads stop when the disk has less room than this; 0 lets them go on.",
  ),
  verify_on_read: key(
    BOOLEAN,
    false,
    "Holds blobs against their digest while they are sent; a damaged one is cut off before its end.",
  ),
  small_blob_limit: key(
    size(0, "", LARGEST_SMALL_BLOB),
    "16KiB",
    "Blobs up to this size are kept in the database, larger ones in a file each; 0 gives every blob a file.",
  ),
} satisfies Keys;

export const ACCESS_POLICY = {
  default_allow: key(BOOLEAN, false, "What holds where no rule is true: false refuses, true allows."),
  default: optionalKey(choice("allow", "deny"), "Another way to write default_allow."),
  rules: listKey(
    RULE,
    "a list of CEL rules such as [\"identity.username == 'admin'\"]",
    "CEL rules: the first one that is true decides against the default.",
  ),
} satisfies Keys;

export const RETENTION_POLICY = {
  rules: listKey(
    RULE,
    'a list of CEL rules such as ["image.pushed_at > now() - days(30)"]',
    "CEL rules: what none of them is true of goes.",
  ),
} satisfies Keys;

const GLOBAL = {
  access_policy: optionalSection("Who may do what, everywhere.", ACCESS_POLICY),
  retention_policy: optionalSection("Which tags and manifests stay, everywhere.", RETENTION_POLICY),
  retention_interval: key(HISTORY, "24h", "Pause between two runs of retention; 0 leaves it to the command."),
  max_removals_percent: key(
    integer(0, 100),
    50,
    "A run that would remove more than this part of the tags or manifests removes nothing.",
  ),
  authorization_webhook: key(NAME, "", "Name of an [auth.webhook] that is asked after the policies."),
  trusted_proxies: listKey(
    PROXY,
    'a list of addresses and networks such as ["10.0.0.1", "fd00::/8"]',
    "Peers whose X-Forwarded-For tells the address of the client.",
  ),
  max_manifest_size: key(size(1), "5MiB", "Largest manifest that a push may bring."),
  max_blob_size: key(size(1), "100GiB", "Largest blob that a push may bring."),
  allow_missing_manifest_references: key(
    BOOLEAN,
    false,
    "Takes manifests whose config or layers the repository does not hold; pulls of them then fail.",
  ),
  immutable_tags: key(BOOLEAN, false, "A tag, once pushed, names the same manifest until it is deleted."),
  immutable_tags_exclusions: listKey(
    TAG_PATTERN,
    'a list of patterns such as ["latest", "dev-.*"]',
    "Tags that may move all the same; a pattern stands for whole tags.",
  ),
  allow_delete_immutable: key(
    BOOLEAN,
    false,
    "Lets immutable tags, and manifests that they name, be deleted.",
  ),
  tag_history: key(
    HISTORY,
    "30d",
    "How long a move or deletion of a tag can be taken back; 0 forgets it soon.",
  ),
  update_pull_time: key(BOOLEAN, true, "Writes down when, how often and by whom manifests are pulled."),
  pull_history: key(HISTORY, "30d", "How long is known who pulled."),
  upload_expiry: key(EXPIRY, "24h", "An upload session that nobody wrote to for this long is removed."),
} satisfies Keys;

const COLLECT = {
  enabled: key(
    BOOLEAN,
    true,
    "Whether the server collects garbage by itself; the command does it in any case.",
  ),
  interval: key(EXPIRY, "1h", "Pause between two runs."),
  grace: key(
    EXPIRY,
    "12h",
    "What was pushed, mounted or asked for within this time, in which servers ran, stays.",
  ),
  window: optionalKey(DAILY_WINDOW, "Time of day for the runs; without it they come at any time."),
} satisfies Keys;

export const REPOSITORY = {
  access_policy: optionalSection("Who may do what here, of what the global policy allows.", ACCESS_POLICY),
  retention_policy: optionalSection(
    "Which tags and manifests stay here, beside the global rules.",
    RETENTION_POLICY,
  ),
  authorization_webhook: optionalKey(NAME, "Asked instead of the global one; empty for none."),
  immutable_tags: key(BOOLEAN, false, "Makes tags immutable here; false lifts nothing that [global] says."),
  immutable_tags_exclusions: listKey(
    TAG_PATTERN,
    'a list of patterns such as ["latest", "dev-.*"]',
    "Counts instead of the global list, where it is not empty.",
  ),
  allow_delete_immutable: optionalKey(BOOLEAN, "Counts instead of the global one."),
  quota_bytes: optionalKey(size(1), "Bytes that each repository here may hold in blobs and manifests."),
  quota_manifests: optionalKey(COUNT, "Manifests that each repository here may hold."),
  quota_tags: optionalKey(COUNT, "Tags that each repository here may have."),
  ...MIRROR,
} satisfies Keys;

export const IDENTITY = {
  username: requiredKey(USERNAME, "Name to log in with."),
  password: optionalKey(SECRET, "Argon2 hash of the password, made with `simple-registry hash-password`."),
  password_file: optionalKey(PATH, "File that holds the hash instead."),
} satisfies Keys;

export const TOKEN_SERVICE = {
  secret_key: optionalKey(SECRET, "Key that tokens are signed with, base64 of at least 32 random bytes."),
  secret_key_file: optionalKey(PATH, "File that holds the key instead."),
  realm: optionalKey(REALM, "URL where clients get tokens; else made from the address that they came to."),
  ttl_secs: key(integer(1, 86_400), 3600, "How long a token holds, in seconds."),
} satisfies Keys;

export const WEBHOOK = {
  url: requiredKey(WEBHOOK_URL, "Where to ask."),
  timeout_ms: requiredKey(integer(1, 60_000), "A request is refused when no answer came by then."),
  bearer_token: optionalKey(SECRET, "Token that the registry shows to the webhook."),
  bearer_token_file: optionalKey(PATH, "File that holds the token instead."),
  basic_auth: optionalSection("User name and password that the registry shows instead of a token.", {
    username: requiredKey(USERNAME, "User name at the webhook."),
    password: optionalKey(SECRET, "Password at the webhook."),
    password_file: optionalKey(PATH, "File that holds the password instead."),
  }),
  client_certificate_bundle: optionalKey(PATH, "PEM file with the registry's certificate for the webhook."),
  client_private_key: optionalKey(PATH, "PEM file with the private key of that certificate."),
  server_ca_bundle: optionalKey(PATH, "PEM file with the CAs of the webhook's server."),
  forward_headers: listKey(
    HEADER_NAME,
    'a list of header names such as ["x-request-id"]',
    "Headers of the client's request that the webhook gets too.",
  ),
  cache_ttl: key(CACHE_TTL, "60s", "How long an answer is remembered; 0 asks each time."),
} satisfies Keys;

const SCRUB = {
  interval: key(
    HISTORY,
    "30d",
    "How often everything is read again and held against its digests; 0 leaves it to the command.",
  ),
  rate: key(size(0, " a second"), "50MiB", "Bytes a second that a scrub reads at most; 0 for no limit."),
} satisfies Keys;

const TRACING = {
  endpoint: requiredKey(COLLECTOR_URL, "Collector that takes OTLP over HTTP; /v1/traces is added to it."),
  sampling_rate: key(FRACTION, 1, "Part of the requests that is traced, from 0 to 1."),
} satisfies Keys;

export const SCHEMA = {
  server: section("Where and how the registry listens.", SERVER),
  blob_store: section("Where content is kept.", {
    fs: section("Content in files below one folder.", FILES),
  }),
  global: section("What holds for every repository.", GLOBAL),
  collect: section("When content goes that nothing leads to any more.", COLLECT),
  scrub: section("Looking for damage before somebody pulls it.", SCRUB),
  observability: section("What the registry tells of itself beside metrics and log.", {
    tracing: optionalSection("Sends traces of requests to a collector of OpenTelemetry.", TRACING),
  }),
  repository: namedSections("Settings of one repository and of all below its name.", REPOSITORY),
  mirror: repeatedSections("What is copied from another registry at set times.", SYNC),
  auth: section("Who may log in, and who else is asked.", {
    identity: namedSections("A user name with its password.", IDENTITY),
    token_service: optionalSection(
      "Gives clients tokens for their passwords, or for nothing.",
      TOKEN_SERVICE,
    ),
    webhook: namedSections("A service that is asked whether a request may go on.", WEBHOOK),
  }),
} satisfies Keys;

/** Calls `visit` for every key and table below `keys`, parents first; the name of a named table is `*`. */
export function visitSchema(
  visit: (path: KeyPath, item: Keys[string]) => void,
  keys: Keys = SCHEMA,
  path: KeyPath = [],
) {
  for (const [name, item] of Object.entries(keys)) {
    const below = [...path, name];
    visit(below, item);
    if (item.kind === "section" || item.kind === "optional" || item.kind === "repeated") {
      visitSchema(visit, item.keys, below);
    }
    if (item.kind === "named") visitSchema(visit, item.keys, [...below, "*"]);
  }
}
