/** Reads what makes a repository a mirror: `[[repository."x".upstream]]` and the keys beside it. */
import { type Checking, isSet, noteMissing, noteProblem } from "./checking.ts";
import type { KeyPath } from "./key_path.ts";
import { readCaBundle, readKeyPair } from "./read_key_pair.ts";
import { readSecret } from "./read_secret.ts";
import { CONNECTION, type MIRROR, type UPSTREAM } from "./mirror_schema.ts";
import type { ValuesOf } from "./schema_item.ts";
import type { MirrorSettings, UpstreamSettings } from "./settings.ts";

type RepositoryValues = ValuesOf<typeof MIRROR>;
type UpstreamValues = ValuesOf<typeof UPSTREAM>;

/** Keys that say nothing where there is no upstream. */
const MIRROR_KEYS = ["revalidate_after", "on_upstream_error", "on_upstream_not_found", "offline"];

/** How a registry is reached of which no settings say anything. */
export const DEFAULT_CONNECTION: Omit<UpstreamSettings, "url"> = {
  maxRedirects: CONNECTION.max_redirect.fallback,
  connectTimeoutMs: CONNECTION.connect_timeout_secs.fallback * 1000,
  readTimeoutMs: CONNECTION.read_timeout_secs.fallback * 1000,
  allowedAddresses: [],
  tokenRealms: [],
};

/** undefined for a repository that is pushed to. */
export function readMirror(
  values: RepositoryValues,
  path: KeyPath,
  checking: Checking,
): MirrorSettings | undefined {
  const upstreams = values.upstream.flatMap(({ values: upstream }, index) =>
    readUpstream(upstream, [...path, "upstream", String(index + 1)], checking)
  );
  if (values.upstream.length === 0) {
    for (const name of MIRROR_KEYS.filter((name) => isSet(checking, [...path, name]))) {
      noteMissing(checking, [...path, name], "means something only where there is an upstream");
    }
    return undefined;
  }
  return {
    upstreams,
    revalidateAfterMs: values.revalidate_after,
    onUpstreamError: values.on_upstream_error,
    onUpstreamNotFound: values.on_upstream_not_found,
    offline: values.offline,
  };
}

/** Notes the problems of one upstream; none where its url is faulty. */
export function readUpstream(values: UpstreamValues, path: KeyPath, checking: Checking): UpstreamSettings[] {
  const credential = readCredential(values, path, checking);
  const clientCertificate = readClientCertificate(values, path, checking);
  const serverCa = values.server_ca_bundle === undefined ? undefined : readCaBundle(
    [...path, "server_ca_bundle"],
    values.server_ca_bundle,
    "servers that need it will not be trusted",
    checking,
  );
  const { url } = values;
  if (url === undefined) return [];
  if (url.startsWith("http:")) checkPlain(values, path, checking);
  return [{
    url,
    ...(credential && { credential }),
    ...(serverCa && { serverCa }),
    ...(clientCertificate && { clientCertificate }),
    maxRedirects: values.max_redirect,
    connectTimeoutMs: values.connect_timeout_secs * 1000,
    readTimeoutMs: values.read_timeout_secs * 1000,
    allowedAddresses: values.allowed_addresses.map(({ value }) => value),
    tokenRealms: values.token_realms.map(({ value }) => value),
  }];
}

function readCredential(values: UpstreamValues, path: KeyPath, checking: Checking) {
  const hasPassword = ["password", "password_file"].some((name) => isSet(checking, [...path, name]));
  if (values.username === undefined) {
    if (hasPassword) {
      noteMissing(checking, [...path, "username"], "is missing, expected it beside the password");
    }
    return undefined;
  }
  const secret = { text: values.password, file: values.password_file };
  const password = readSecret(secret, path, "password", checking);
  return password && { username: values.username, password: password.text };
}

function readClientCertificate(values: UpstreamValues, path: KeyPath, checking: Checking) {
  const names = ["client_certificate", "client_private_key"] as const;
  const [present, ...others] = names.filter((name) => isSet(checking, [...path, name]));
  if (present === undefined) return undefined;
  if (others.length === 0) {
    const absent = names.find((name) => name !== present);
    noteMissing(checking, [...path, present], `needs ${absent} beside it`);
    return undefined;
  }
  const [certificate, privateKey] = names.map((name) => ({ name, file: values[name] }));
  return readKeyPair(path, certificate!, privateKey!, "the upstream", checking);
}

/** What needs TLS, and what is better not sent without it. */
function checkPlain({ url, username }: UpstreamValues, path: KeyPath, checking: Checking): void {
  for (const name of ["server_ca_bundle", "client_certificate", "client_private_key"]) {
    const below = [...path, name];
    if (isSet(checking, below)) noteProblem(checking, below, "needs a url that begins with https://");
  }
  checking.warnings.push(
    `The upstream ${url} speaks plain http: whoever is on the way can move its tags` +
      (username === undefined ? "" : ", and read the password"),
  );
}
