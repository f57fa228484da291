/** The keys of what comes from other registries: repositories that are mirrors, and what is copied on purpose. */
import { key, type Keys, listKey, optionalKey, repeatedSections, requiredKey } from "./schema_item.ts";
import {
  choice,
  HOST,
  NETWORK,
  PLATFORM,
  REMOTE_REPOSITORY,
  REPOSITORY_NAME,
  SECRET,
  TAG_SELECTOR,
  UPSTREAM_URL,
  USERNAME,
} from "./text_type.ts";
import { BOOLEAN, durationOrNever, integer, PATH, SCHEDULE } from "./value_type.ts";

const SECONDS = integer(1, 3600);

/** How another registry is reached. */
export const CONNECTION = {
  username: optionalKey(USERNAME, "User name at the upstream."),
  password: optionalKey(SECRET, "Password or access token at the upstream."),
  password_file: optionalKey(PATH, "File that holds the password instead."),
  server_ca_bundle: optionalKey(PATH, "PEM file with CAs that are trusted beside those of the system."),
  client_certificate: optionalKey(PATH, "PEM file with the registry's certificate for the upstream."),
  client_private_key: optionalKey(PATH, "PEM file with the private key of that certificate."),
  max_redirect: key(integer(0, 20), 5, "Redirects that one request may follow."),
  connect_timeout_secs: key(SECONDS, 5, "How long a connection may take, in seconds."),
  read_timeout_secs: key(
    SECONDS,
    30,
    "How long the head of an answer, and each further piece of it, may take, in seconds.",
  ),
  allowed_addresses: listKey(
    NETWORK,
    'a list of addresses and networks such as ["127.0.0.1", "10.0.0.0/8"]',
    "Addresses that may be asked although they are not public.",
  ),
  token_realms: listKey(
    HOST,
    'a list of hosts such as ["auth.example.net", "auth.example.org:8443"]',
    "Token services beyond the site of the upstream that may see its credentials.",
  ),
} satisfies Keys;

export const UPSTREAM = {
  url: requiredKey(UPSTREAM_URL, "Registry to pull from; a path goes before the names of its repositories."),
  ...CONNECTION,
} satisfies Keys;

/** What the server copies by itself: `[[mirror]]`. */
export const SYNC = {
  from: requiredKey(REMOTE_REPOSITORY, "Repository of another registry."),
  to: requiredKey(REPOSITORY_NAME, "Repository here that gets its content."),
  tags: listKey(
    TAG_SELECTOR,
    'a list such as ["latest", "3.*", ">=3.18 <4"]',
    "Tags to copy: names, patterns, ranges of versions.",
  ),
  platforms: listKey(
    PLATFORM,
    'a list such as ["linux/amd64", "linux/arm64"]',
    "Platforms to copy of what is there for several; none stands for all.",
  ),
  referrers: key(BOOLEAN, true, "Copies signatures and whatever else refers to what is copied."),
  schedule: key(SCHEDULE, "24h", "Pause between two runs, a time of the day, or never."),
  ...CONNECTION,
} satisfies Keys;

export const MIRROR = {
  namespace: optionalKey(
    HOST,
    "Registry that this repository stands for: what clients write into ?ns= to find it.",
  ),
  unprefixed: key(
    BOOLEAN,
    false,
    "Names that no [repository] covers are looked for here, as the mirror setting of docker wants it.",
  ),
  revalidate_after: key(
    durationOrNever({ ms: 3650 * 86_400_000, text: "3650d" }),
    "5m",
    "How old the answer of an upstream on a tag may become; 0 asks each time.",
  ),
  on_upstream_error: key(
    choice("serve-stale", "fail"),
    "serve-stale",
    "What becomes of a pull by tag when the upstream fails and a copy is here.",
  ),
  on_upstream_not_found: key(
    choice("serve-stale", "fail"),
    "serve-stale",
    "The same when the upstream has no such tag any more.",
  ),
  offline: key(BOOLEAN, false, "Serves what is here and asks no upstream."),
  upstream: repeatedSections(
    "Registry whose content is pulled through; of several the first that has it is taken.",
    UPSTREAM,
  ),
} satisfies Keys;
