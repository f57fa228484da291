/** Checks of settings that take more than reading them: the client CAs, their revocation lists, and TLS itself. */
import { loadTrust, TrustError } from "../auth/load_trust.ts";
import type { ClientAuthSettings, Settings } from "../config/settings.ts";
import { checkTls } from "../server/tls_self_check.ts";
import { trustSettingsOf } from "./access.ts";
import { withSystemCas } from "./system_cas.ts";

/**
 * Gives warnings, sentences for the log.
 *
 * @throws {ConfigError} for webhooks that would trust no CA
 * @throws {TrustError} with everything that is wrong with CAs and revocation lists
 * @throws {UnsafeTls} when a handshake on loopback does not show the client's certificate
 */
export async function checkSettings(settings: Settings, now: Date): Promise<readonly string[]> {
  withSystemCas(settings);
  const { tls } = settings.server;
  if (tls === undefined) return [];
  const warnings = tls.clientAuth === undefined ? [] : await checkTrust(tls.clientAuth, now);
  await checkTls(tls);
  return warnings;
}

/** Warnings about client CAs and revocation lists. @throws {TrustError} with all that is wrong with them */
export async function checkTrust(clientAuth: ClientAuthSettings, now: Date): Promise<readonly string[]> {
  try {
    return (await loadTrust(trustSettingsOf(clientAuth), now)).warnings.map((text) =>
      withFile(text, clientAuth)
    );
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw new TrustError(error.problems.map((text) => withFile(text, clientAuth)));
  }
}

/** Sentences begin with the key of the configuration; the file that it names is what has to be mended. */
function withFile(text: string, { caBundleFile, crlFiles }: ClientAuthSettings): string {
  return text
    .replace(/^client_ca_bundle\b/, () => `server.tls.client_ca_bundle (${caBundleFile})`)
    .replace(/^client_crl_bundle\b/, () => `server.tls.client_crl_bundle (${crlFiles.join(", ")})`);
}
