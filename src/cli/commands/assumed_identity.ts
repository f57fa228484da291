/** The caller that `policy test` is asked to assume: a certificate from a file, a configured user, or nobody. */
import { loadTrust } from "../../auth/load_trust.ts";
import type { Settings } from "../../config/settings.ts";
import { anonymousIdentity, type CertificateFacts, type Identity } from "../../core/identity.ts";
import { trustSettingsOf } from "../access.ts";
import type { Options } from "../options.ts";
import { UsageError } from "../usage.ts";

const DEFAULT_ADDRESS = "127.0.0.1";

/**
 * Reads `--cert`, `--user`, `--anonymous` and `--ip`. A certificate is verified as the server would.
 *
 * @throws {UsageError} when it is not said who asks, or a user is not configured
 * @throws {Error} when the certificate would be refused, with the reason
 */
export async function assumeIdentity(options: Options, settings: Settings, now: Date): Promise<Identity> {
  const [cert, user] = [options.get("cert"), options.get("user")];
  if (options.has("anonymous") === (cert !== undefined || user !== undefined)) {
    throw new UsageError("say who asks: --cert FILE, --user NAME, both, or --anonymous");
  }
  return {
    ...anonymousIdentity(options.get("ip") ?? DEFAULT_ADDRESS),
    ...(user !== undefined && findUser(user, settings)),
    certificate: cert === undefined ? undefined : await verifyFile(cert, settings, now),
  };
}

function findUser(username: string, { auth }: Settings): { id: string; username: string } {
  const found = auth.identities.find((identity) => identity.username === username);
  if (found !== undefined) return { id: found.id, username };
  const known = auth.identities.map((identity) => identity.username).join(", ") || "none";
  throw new UsageError(
    `no [auth.identity.*] has the user name ${JSON.stringify(username)}; configured: ${known}`,
  );
}

async function verifyFile(file: string, { server }: Settings, now: Date): Promise<CertificateFacts> {
  const clientAuth = server.tls?.clientAuth;
  if (clientAuth === undefined) {
    throw new UsageError("the configuration has no client_ca_bundle to verify --cert with");
  }
  const { trust } = await loadTrust(trustSettingsOf(clientAuth), now);
  const verdict = await trust.verify(readChain(file), now.getTime());
  if (verdict.accepted) return verdict.facts;
  throw new Error(`${file}: ${verdict.reason}`);
}

function readChain(file: string): Uint8Array[] {
  const blocks = Deno.readTextFileSync(file).matchAll(
    /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g,
  );
  const chain = [...blocks].map(([, base64]) => Uint8Array.fromBase64(base64!));
  if (chain.length === 0) throw new Error(`${file}: holds no CERTIFICATE block`);
  return chain;
}
