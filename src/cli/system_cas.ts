/** The CAs of the system, read by the main thread: those that serve clients have no permission to. */
import { getCACertificates } from "node:tls";
import { ConfigError } from "../config/config_error.ts";
import type { Settings, WebhookSettings } from "../config/settings.ts";

/**
 * Settings in which every webhook behind https names the CAs that it trusts: its own, else those of the system.
 *
 * @throws {ConfigError} for webhooks that would trust nobody, because the system has no CAs
 */
export function withSystemCas(
  settings: Settings,
  readSystemCas: () => readonly string[] = () => getCACertificates("system"),
): Settings {
  const { auth } = settings;
  const needing = auth.webhooks.filter(needsSystemCas);
  if (needing.length === 0) return settings;
  const pems = readSystemCas();
  if (pems.length === 0) {
    throw new ConfigError(needing.map(({ name }) => ({
      file: "",
      line: 0,
      column: 0,
      key: `auth.webhook.${name}`,
      message: "needs server_ca_bundle, because this machine has no CAs of the system",
    })));
  }
  const systemCas = { pem: `${pems.join("\n")}\n`, file: "the CAs of the system" };
  const webhooks = auth.webhooks.map((webhook) =>
    needsSystemCas(webhook) ? { ...webhook, serverCa: systemCas } : webhook
  );
  return { ...settings, auth: { ...auth, webhooks } };
}

function needsSystemCas({ url, serverCa }: WebhookSettings): boolean {
  return serverCa === undefined && /^https:/i.test(url);
}
