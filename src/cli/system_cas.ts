/** The CAs of the system, read by the main thread: those that serve clients have no permission to. */
import { getCACertificates } from "node:tls";
import { ConfigError } from "../config/config_error.ts";
import type { CertificateFile, RepositorySettings, Settings } from "../config/settings.ts";

/** A server behind https, or not, with the CAs that the configuration names for it. */
interface Server {
  readonly url: string;
  readonly serverCa?: CertificateFile;
}

/**
 * Settings in which every webhook and upstream behind https names the CAs that it trusts: a webhook its own, else those of
 * the system; an upstream its own and those of the system.
 *
 * @throws {ConfigError} for those that would trust nobody, because the system has no CAs
 */
export function withSystemCas(
  settings: Settings,
  readSystemCas: () => readonly string[] = () => getCACertificates("system"),
): Settings {
  const { auth, repositories } = settings;
  const upstreams = repositories.flatMap(({ mirror }) => mirror?.upstreams ?? []);
  if (!auth.webhooks.some(needsSystemCas) && !upstreams.some(isSecure)) return settings;
  const pems = readSystemCas();
  if (pems.length === 0) requireOwnCas(settings);
  const systemCas = systemCasOf(pems);
  return {
    ...settings,
    auth: {
      ...auth,
      webhooks: auth.webhooks.map((webhook) =>
        needsSystemCas(webhook) ? { ...webhook, serverCa: systemCas } : webhook
      ),
    },
    repositories: repositories.map((repository) => withUpstreamCas(repository, systemCas)),
  };
}

function withUpstreamCas(repository: RepositorySettings, system: CertificateFile): RepositorySettings {
  const { mirror } = repository;
  if (mirror === undefined) return repository;
  const upstreams = mirror.upstreams.map((upstream) => {
    return isSecure(upstream) ? { ...upstream, serverCa: joinCas(upstream.serverCa, system) } : upstream;
  });
  return { ...repository, mirror: { ...mirror, upstreams } };
}

/** The same for one registry elsewhere, when the thread that asks it may read the CAs of the system itself. */
export function withOwnAndSystemCas<T extends Server>(server: T): T {
  if (!isSecure(server)) return server;
  return { ...server, serverCa: joinCas(server.serverCa, systemCasOf(getCACertificates("system"))) };
}

function systemCasOf(pems: readonly string[]): CertificateFile {
  return { pem: pems.map((pem) => `${pem}\n`).join(""), file: "the CAs of the system" };
}

function joinCas(own: CertificateFile | undefined, system: CertificateFile): CertificateFile {
  return own === undefined
    ? system
    : { pem: `${own.pem.trimEnd()}\n${system.pem}`, file: `${own.file} and ${system.file}` };
}

/** @throws {ConfigError} */
function requireOwnCas({ auth, repositories }: Settings): void {
  const keys = [
    ...auth.webhooks.filter(needsSystemCas).map(({ name }) => `auth.webhook.${name}`),
    ...repositories.flatMap(({ name, mirror }) =>
      (mirror?.upstreams ?? []).flatMap((upstream, index) =>
        needsSystemCas(upstream) ? [`repository.${name}.upstream.${index + 1}`] : []
      )
    ),
  ];
  if (keys.length === 0) return;
  throw new ConfigError(keys.map((key) => ({
    file: "",
    line: 0,
    column: 0,
    key,
    message: "needs server_ca_bundle, because this machine has no CAs of the system",
  })));
}

function needsSystemCas(server: Server): boolean {
  return server.serverCa === undefined && isSecure(server);
}

function isSecure({ url }: Server): boolean {
  return /^https:/i.test(url);
}
