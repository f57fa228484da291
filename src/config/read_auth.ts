/** Reads `[auth.identity.<id>]` and `[auth.token_service]`: who may log in, and with what tokens are signed. */
import { faultOfPasswordHash } from "../core/password_hash.ts";
import { type Checking, noteProblem } from "./checking.ts";
import { formatKeyPath } from "./key_path.ts";
import { readSecret } from "./read_secret.ts";
import type { IDENTITY, TOKEN_SERVICE } from "./schema.ts";
import type { Named, ValuesOf } from "./schema_item.ts";
import type { IdentitySettings, TokenServiceSettings } from "./settings.ts";

/** RFC 7518 section 3.2: a key of HS256 has at least the size of the hash. */
const LEAST_KEY_BYTES = 32;

/** Identities without problems; no two have one user name. */
export function readIdentities(
  tables: readonly Named<typeof IDENTITY>[],
  checking: Checking,
): IdentitySettings[] {
  const byUsername = new Map<string, Named<typeof IDENTITY>>();
  return tables.flatMap((table) => {
    const { name: id, at, values } = table;
    const path = ["auth", "identity", id];
    // An empty id is what policies see of nobody.
    if (id === "") noteProblem(checking, path, "needs a name that is not empty", at);
    const { username } = values;
    const other = username === undefined ? undefined : byUsername.get(username);
    if (other !== undefined) {
      const message = `is the user name of [${
        formatKeyPath(["auth", "identity", other.name])
      }] too (${other.at.file}:${other.at.line})`;
      noteProblem(checking, [...path, "username"], message);
    } else if (username !== undefined) byUsername.set(username, table);

    const secret = readSecret(
      { text: values.password, file: values.password_file },
      path,
      "password",
      checking,
    );
    const fault = secret && faultOfPasswordHash(secret.text);
    if (fault !== undefined) noteProblem(checking, secret!.path, fault);
    return username === undefined || secret === undefined
      ? []
      : [{ id, username, passwordHash: secret.text }];
  });
}

/** Key, realm and lifetime of tokens, undefined when a problem was noted. */
export function readTokenService(
  values: ValuesOf<typeof TOKEN_SERVICE>,
  checking: Checking,
): TokenServiceSettings | undefined {
  const secret = readSecret(
    { text: values.secret_key, file: values.secret_key_file },
    ["auth", "token_service"],
    "secret_key",
    checking,
  );
  if (secret === undefined) return undefined;
  const key = decodeBase64(secret.text.replace(/\s+/g, ""));
  if (key === undefined || key.length < LEAST_KEY_BYTES) {
    const fault = key === undefined ? "is not base64" : `holds ${key.length} bytes only`;
    const message =
      `${fault}, expected base64 of at least ${LEAST_KEY_BYTES} bytes: make some with "openssl rand -base64 32"`;
    noteProblem(checking, secret.path, message);
    return undefined;
  }
  const { realm, ttl_secs: lifetimeSeconds } = values;
  return { key, lifetimeSeconds, ...(realm !== undefined && { realm }) };
}

/** Either alphabet of RFC 4648, padded or not. */
function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, "");
  if (!/^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)$/.test(digits) || digits.length % 4 === 1) return undefined;
  if (digits.length !== text.length && text.length % 4 !== 0) return undefined;
  return Uint8Array.from(atob(digits.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
