/** Puts identity and access control together from the settings. */
import { ClientAddress } from "../auth/client_address.ts";
import { loadTrust, type TrustSettings } from "../auth/load_trust.ts";
import type { PasswordChecker } from "../auth/password_check.ts";
import { RegistryAuthenticator } from "../auth/registry_authenticator.ts";
import { RememberedPasswords } from "../auth/remembered_passwords.ts";
import { TokenService } from "../auth/token_service.ts";
import { VerdictCache } from "../auth/verdict_cache.ts";
import { Webhook } from "../auth/webhook.ts";
import type { WebhookTarget } from "../auth/webhook_client.ts";
import type { ClientAuthSettings, Settings, WebhookSettings } from "../config/settings.ts";
import type { Challenges } from "../http/challenge.ts";
import { findCovering } from "../core/covering_name.ts";
import { AccessPolicies, type PolicySources } from "../policy/access_policies.ts";
import type { AuthorizationHook } from "../ports/authorization_hook.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { AccessControl } from "../registry/access_control.ts";

/** ms of a clock that nobody sets. */
const steadyNow = () => performance.now();

export interface AuthenticatorSurroundings {
  /** The way to the password thread; undefined where no passwords are configured. */
  readonly remote: PasswordChecker | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export async function makeAuthenticator(
  settings: Settings,
  { remote, clock, log, metrics }: AuthenticatorSurroundings,
): Promise<RegistryAuthenticator> {
  const { auth, global, server } = settings;
  const clientAuth = server.tls?.clientAuth;
  return new RegistryAuthenticator({
    clock,
    log,
    metrics,
    addresses: new ClientAddress(global.trustedProxies),
    certificates: clientAuth &&
      { verdicts: await loadVerdicts(clientAuth, clock), required: clientAuth.required },
    passwords: remote && new RememberedPasswords(remote, steadyNow),
    tokens: auth.tokenService && new TokenService(auth.tokenService.key, auth.tokenService.lifetimeSeconds),
    usernames: new Map(auth.identities.map(({ id, username }) => [id, username])),
  });
}

export function challengesOf({ auth, server }: Settings): Challenges {
  return {
    certificateRequired: server.tls?.clientAuth?.required ?? false,
    passwords: auth.identities.length > 0,
    tokens: auth.tokenService && { realm: auth.tokenService.realm ?? realmAt(server.externalUrl) },
  };
}

function realmAt(externalUrl: string | undefined): string | undefined {
  return externalUrl === undefined ? undefined : `${externalUrl}/token`;
}

/** `[server.tls]` in the words of the verification. */
export function trustSettingsOf(clientAuth: ClientAuthSettings): TrustSettings {
  const { caBundle, crls, crlMissing, crlExpired } = clientAuth;
  return { caBundle, crlMissing, crlExpired, ...(crls.length > 0 && { crlBundle: crls }) };
}

export interface OpenAccessControl {
  readonly hook: AuthorizationHook;
  /** Ends the connections to webhooks. */
  readonly close: () => void;
}

export function makeAccessControl(settings: Settings, log: Log): OpenAccessControl {
  const webhooks = new Map(
    settings.auth.webhooks.map((webhook) => [webhook.name, new Webhook(targetOf(webhook), log, steadyNow)]),
  );
  const byRepository = new Map(
    settings.repositories.map((settings) => [settings.name as string, settings]),
  );
  const hook = new AccessControl({
    policies: new AccessPolicies(policySourcesOf(settings)),
    webhookFor(repository) {
      const name = repository === undefined
        ? settings.global.authorizationWebhook
        : (findCovering(byRepository, repository) ?? settings.global).authorizationWebhook;
      return name === undefined ? undefined : webhooks.get(name);
    },
    log,
  });
  const close = (): void => {
    for (const webhook of webhooks.values()) webhook.close();
  };
  return { hook, close };
}

export function policySourcesOf({ global, repositories }: Settings): PolicySources {
  return {
    ...(global.accessPolicy !== undefined && { global: global.accessPolicy }),
    repositories: repositories.map(({ name, accessPolicy }) => ({
      name,
      ...(accessPolicy !== undefined && { policy: accessPolicy }),
    })),
  };
}

async function loadVerdicts(clientAuth: ClientAuthSettings, clock: Clock): Promise<VerdictCache> {
  const { trust } = await loadTrust(trustSettingsOf(clientAuth), new Date(clock.now()));
  return new VerdictCache(trust);
}

function targetOf(webhook: WebhookSettings): WebhookTarget {
  const { name, url, timeoutMs, credential, clientCertificate, serverCa, forwardHeaders, cacheTtlMs } =
    webhook;
  return {
    name,
    url,
    timeoutMs,
    authorization: credential && headerOf(credential),
    clientCertificate,
    serverCa: serverCa?.pem,
    forwardHeaders,
    cacheTtlMs,
  };
}

function headerOf(credential: NonNullable<WebhookSettings["credential"]>): string {
  if (credential.kind === "bearer") return `Bearer ${credential.token}`;
  const pair = new TextEncoder().encode(`${credential.username}:${credential.password}`);
  return `Basic ${pair.toBase64()}`;
}
