/** Reads `[auth.webhook.<name>]`: services that are asked whether a request may go on. */
import { type Checking, isSet, noteMissing, noteProblem } from "./checking.ts";
import type { KeyPath } from "./key_path.ts";
import { readCaBundle, readKeyPair } from "./read_key_pair.ts";
import { readSecret } from "./read_secret.ts";
import type { WEBHOOK } from "./schema.ts";
import type { Named, Placed, ValuesOf } from "./schema_item.ts";
import type { KeyPairFiles, WebhookCredential, WebhookSettings } from "./settings.ts";

type WebhookValues = ValuesOf<typeof WEBHOOK>;

/** Webhooks without problems. */
export function readWebhooks(
  tables: readonly Named<typeof WEBHOOK>[],
  checking: Checking,
): WebhookSettings[] {
  return tables.flatMap(({ name, at, values }) => {
    const path = ["auth", "webhook", name];
    // authorization_webhook = "" names none.
    if (name === "") noteProblem(checking, path, "needs a name that is not empty", at);
    const credential = readCredential(values, path, checking);
    const clientCertificate = readClientCertificate(values, path, checking);
    const outcome = "servers that need it will not be trusted";
    const serverCa = readCaBundle(
      [...path, "server_ca_bundle"],
      values.server_ca_bundle,
      outcome,
      checking,
    );
    if (values.url?.startsWith("http:")) refuseTlsKeys(path, checking);
    const forwardHeaders = checkForwardHeaders(values.forward_headers, path, checking);
    if (values.url === undefined || values.timeout_ms === undefined) return [];
    return [{
      name,
      url: values.url,
      timeoutMs: values.timeout_ms,
      ...(credential && { credential }),
      ...(clientCertificate && { clientCertificate }),
      ...(serverCa && { serverCa }),
      forwardHeaders,
      cacheTtlMs: values.cache_ttl,
    }];
  });
}

function readCredential(
  values: WebhookValues,
  path: KeyPath,
  checking: Checking,
): WebhookCredential | undefined {
  const basic = values.basic_auth;
  const hasBasic = isSet(checking, [...path, "basic_auth"]);
  const hasBearer = ["bearer_token", "bearer_token_file"].some((name) => isSet(checking, [...path, name]));
  if (hasBasic && hasBearer) {
    noteProblem(checking, [...path, "basic_auth"], "stands beside a bearer token: write one of the two");
  }
  if (hasBearer) {
    const token = readSecret(
      { text: values.bearer_token, file: values.bearer_token_file },
      path,
      "bearer_token",
      checking,
    );
    if (token === undefined) return undefined;
    if (/^[!-~]+$/.test(token.text)) return { kind: "bearer", token: token.text };
    noteProblem(checking, token.path, "holds a space or a character that no bearer token has");
    return undefined;
  }
  if (basic === undefined) return undefined;
  const password = readSecret(
    { text: basic.password, file: basic.password_file },
    [...path, "basic_auth"],
    "password",
    checking,
  );
  if (basic.username === undefined || password === undefined) return undefined;
  return { kind: "basic", username: basic.username, password: password.text };
}

function readClientCertificate(
  values: WebhookValues,
  path: KeyPath,
  checking: Checking,
): KeyPairFiles | undefined {
  const names = ["client_certificate_bundle", "client_private_key"] as const;
  const [present, ...others] = names.filter((name) => isSet(checking, [...path, name]));
  if (present === undefined) return undefined;
  if (others.length === 0) {
    const absent = names.find((name) => name !== present);
    noteMissing(checking, [...path, present], `needs ${absent} beside it`);
  }
  const [certificateKey, privateKeyKey] = names.map((name) => ({ name, file: values[name] }));
  return readKeyPair(path, certificateKey!, privateKeyKey!, "the webhook", checking);
}

function refuseTlsKeys(path: KeyPath, checking: Checking): void {
  for (const name of ["client_certificate_bundle", "client_private_key", "server_ca_bundle"]) {
    const below = [...path, name];
    if (isSet(checking, below)) noteProblem(checking, below, "needs a url that begins with https://");
  }
}

/** Headers of the connection (RFC 9110 section 7.6.1), and those that the registry itself sends. */
const NOT_FORWARDED = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"],
  ...["trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect"],
]);

function checkForwardHeaders(names: readonly Placed<string>[], path: KeyPath, checking: Checking): string[] {
  for (const { value: name, at } of names) {
    const reason = name === "authorization"
      ? "it would show the passwords and tokens of clients to the webhook, which gets the user name anyway"
      : /^x-(forwarded|registry)-/.test(name)
      ? "the registry sends this header itself, and a client could contradict it"
      : NOT_FORWARDED.has(name)
      ? "this header belongs to one connection only"
      : undefined;
    if (reason === undefined) continue;
    noteProblem(checking, [...path, "forward_headers"], `cannot forward "${name}": ${reason}`, at);
  }
  return [...new Set(names.map((name) => name.value))];
}
