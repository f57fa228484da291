/** Looks at everything that the configuration names elsewhere: webhooks, and registries that content comes from. */
import type { CertificateFile, Settings, UpstreamSettings } from "../../config/settings.ts";
import { AddressGuard } from "../../upstream/address_guard.ts";
import { apiUrlOf } from "../../upstream/docker_hub.ts";
import { HostAddresses } from "../../upstream/host_addresses.ts";
import { withOwnAndSystemCas, withSystemCas } from "../system_cas.ts";
import { checkReach } from "./check_reach.ts";
import { type Finding, well, wrong } from "./finding.ts";

/** Two repositories may have one upstream, which is told once. */
type Upstreams = ReadonlyMap<string, { readonly name: string; readonly upstream: UpstreamSettings }>;

export async function checkServices(settings: Settings): Promise<readonly Finding[]> {
  const known = withSystemCas(settings);
  const webhooks = known.auth.webhooks.map(({ name, url, serverCa, clientCertificate }) =>
    checkReach({ name: `auth.webhook.${name}`, url, ...caOf(serverCa), client: clientCertificate })
  );
  const upstreams = [...upstreamsOf(known).values()].map(({ name, upstream }) =>
    checkUpstream(name, upstream)
  );
  return [...await Promise.all([...webhooks, ...upstreams]), ...offlineMirrors(settings)];
}

function upstreamsOf({ repositories, syncs }: Settings): Upstreams {
  const found = new Map<string, { name: string; upstream: UpstreamSettings }>();
  for (const { name, mirror } of repositories) {
    if (mirror === undefined || mirror.offline) continue;
    for (const upstream of mirror.upstreams) {
      if (!found.has(upstream.url)) found.set(upstream.url, { name: `upstream of ${name}`, upstream });
    }
  }
  for (const { from, upstream } of syncs) {
    if (upstream === undefined || found.has(upstream.url)) continue;
    found.set(upstream.url, { name: `sync from ${from}`, upstream: withOwnAndSystemCas(upstream) });
  }
  return found;
}

/** As the mirror connects: to an address that it may ask. */
async function checkUpstream(
  name: string,
  { url, serverCa, clientCertificate, allowedAddresses }: UpstreamSettings,
) {
  const api = apiUrlOf(new URL(url));
  try {
    const addresses = await new HostAddresses().find(api.hostname);
    new AddressGuard(allowedAddresses).require(api.hostname, addresses, true);
  } catch (error) {
    return wrong(name, `${url}: ${(error as Error).message}`);
  }
  return await checkReach({ name, url: api.href, ...caOf(serverCa), client: clientCertificate });
}

function caOf(serverCa: CertificateFile | undefined) {
  return { ca: serverCa?.pem, caName: serverCa?.file ?? "" };
}

function offlineMirrors({ repositories }: Settings): readonly Finding[] {
  return repositories.filter(({ mirror }) => mirror?.offline)
    .map(({ name }) => well(`upstream of ${name}`, "not asked: the mirror is offline"));
}
