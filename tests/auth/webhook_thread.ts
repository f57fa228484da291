/** A thread that asks webhooks, one for each message, and posts the verdicts. */
import { Webhook } from "../../src/auth/webhook.ts";
import type { WebhookTarget } from "../../src/auth/webhook_client.ts";
import { SOME_CALLER } from "../model/model_registry.ts";

const thread = self as unknown as {
  onmessage: (event: MessageEvent<WebhookTarget>) => void;
  postMessage(message: unknown): void;
};

thread.onmessage = async ({ data }) => {
  const errors: string[] = [];
  const nothing = () => {};
  const error = (_: string, fields?: { error?: unknown }) => void errors.push(String(fields?.error));
  const log = { debug: nothing, info: nothing, warn: nothing, error };
  const webhook = new Webhook(data, log, () => performance.now());
  const { allowed } = await webhook.decide(SOME_CALLER, { action: "list-catalog" });
  webhook.close();
  thread.postMessage({ allowed, errors });
};
