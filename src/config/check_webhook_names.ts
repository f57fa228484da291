/** Checks that every `authorization_webhook` names a webhook, and tells which one holds where. */
import { quote } from "../core/quote.ts";
import { type Checking, noteMissing } from "./checking.ts";
import type { KeyPath } from "./key_path.ts";
import type { SCHEMA } from "./schema.ts";
import type { ValuesOf } from "./schema_item.ts";

export interface WebhookNames {
  /** Asked where no repository is configured. */
  readonly global: string | undefined;
  /** By the name of the repository; none where it is switched off. */
  readonly ofRepository: ReadonlyMap<string, string>;
}

/** Also warns of webhooks that nobody names: they look like protection and are none. */
export function checkWebhookNames(values: ValuesOf<typeof SCHEMA>, checking: Checking): WebhookNames {
  const known = values.auth.webhook.map((webhook) => webhook.name);
  const named = new Set<string>();
  const check = (name: string, path: KeyPath): string | undefined => {
    // "" is how a repository switches the global webhook off.
    if (name === "") return undefined;
    named.add(name);
    if (known.includes(name)) return name;
    const choices = known.length === 0 ? "none is configured" : `expected one of ${known.join(", ")}`;
    noteMissing(checking, path, `there is no webhook ${quote(name)}: ${choices}`);
    return undefined;
  };

  const global = check(values.global.authorization_webhook, ["global", "authorization_webhook"]);
  const ofRepository = new Map<string, string>();
  for (const { name, values: { authorization_webhook: own } } of values.repository) {
    const webhook = own === undefined ? global : check(own, ["repository", name, "authorization_webhook"]);
    if (webhook !== undefined) ofRepository.set(name, webhook);
  }
  for (const name of known.filter((name) => !named.has(name))) {
    checking.warnings.push(
      `No authorization_webhook names [auth.webhook.${quote(name)}]: it is never asked`,
    );
  }
  return { global, ofRepository };
}
