/** Every table and key of the configuration: its type, its default, and what it is for. */
import { key, type Keys, namedSections, optionalSection, requiredKey, section } from "./schema_item.ts";
import type { KeyPath } from "./key_path.ts";
import { ADDRESS, BOOLEAN, duration, integer, PATH, size } from "./value_type.ts";

/** A timer of the runtime that is longer than 2^31-1 ms fires at once. */
const TIMEOUT = duration({ ms: 24 * 86_400_000, text: "24d" });

const EXPIRY = duration({ ms: 3650 * 86_400_000, text: "3650d" });

export const TLS = {
  server_certificate_bundle: requiredKey(
    PATH,
    "PEM file with the server's certificate first, then the certificates that lead to its CA.",
  ),
  server_private_key: requiredKey(PATH, "PEM file with the private key of that certificate, not encrypted."),
  handshake_timeout: key(TIMEOUT, "10s", "A client that has not ended its TLS handshake by then is cut off."),
} satisfies Keys;

const SERVER = {
  bind_address: key(
    ADDRESS,
    "127.0.0.1",
    'IP address to listen on; "0.0.0.0" and "::" take every interface and need [server.tls].',
  ),
  port: key(integer(0, 65535), 8000, "TCP port to listen on; 0 takes a free one."),
  threads: key(integer(0, 256), 0, "Threads that answer requests; 0 makes one for each core."),
  max_connections: key(
    integer(1, 1_000_000),
    10_000,
    "Connections open at one time; further ones are refused.",
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
} satisfies Keys;

const GLOBAL = {
  max_manifest_size: key(size(1), "5MiB", "Largest manifest that a push may bring."),
  max_blob_size: key(size(1), "100GiB", "Largest blob that a push may bring."),
  allow_missing_manifest_references: key(
    BOOLEAN,
    false,
    "Takes manifests whose config or layers the repository does not hold; pulls of them then fail.",
  ),
  upload_expiry: key(EXPIRY, "24h", "An upload session that nobody wrote to for this long is removed."),
} satisfies Keys;

export const SCHEMA = {
  server: section("Where and how the registry listens.", SERVER),
  blob_store: section("Where content is kept.", {
    fs: section("Content in files below one folder.", FILES),
  }),
  global: section("What holds for every repository.", GLOBAL),
  repository: namedSections("Settings of one repository and of all below its name.", {}),
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
    if (item.kind === "section" || item.kind === "optional") visitSchema(visit, item.keys, below);
    if (item.kind === "named") visitSchema(visit, item.keys, [...below, "*"]);
  }
}
