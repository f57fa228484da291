/** Checks of settings that take more than reading them: the client CAs, their revocation lists, and TLS itself. */
import { loadTrust } from "../auth/load_trust.ts";
import type { Settings } from "../config/settings.ts";
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
  const warnings = tls.clientAuth === undefined
    ? []
    : (await loadTrust(trustSettingsOf(tls.clientAuth), now)).warnings;
  await checkTls(tls);
  return warnings;
}
