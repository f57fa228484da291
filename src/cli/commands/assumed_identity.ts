/** The caller that `policy test` is asked to assume: a certificate from a file, a configured user, or nobody. */
import { isIP } from "node:net";
import { ClientAddress } from "../../auth/client_address.ts";
import { loadTrust } from "../../auth/load_trust.ts";
import { readCertificates } from "../../config/check_key_pair.ts";
import type { Settings } from "../../config/settings.ts";
import { fileReasonOf } from "../../core/file_reason.ts";
import { anonymousIdentity, type CertificateFacts, type Identity } from "../../core/identity.ts";
import { trustSettingsOf } from "../access.ts";
import type { Options } from "../options.ts";
import { UsageError } from "../usage.ts";

const DEFAULT_ADDRESS = "127.0.0.1";

/**
 * Reads `--cert`, `--user`, `--anonymous` and `--ip`. A certificate is verified as the server would.
 *
 * @throws {UsageError} when it is not said who asks, a user is not configured, or there is no such address or certificate
 * @throws {Error} when the certificate would be refused, with the reason
 */
export async function assumeIdentity(options: Options, settings: Settings, now: Date): Promise<Identity> {
  const [cert, user] = [options.get("cert"), options.get("user")];
  if (options.has("anonymous") === (cert !== undefined || user !== undefined)) {
    throw new UsageError("say who asks: --cert FILE, --user NAME, both, or --anonymous");
  }
  return {
    ...anonymousIdentity(readAddress(options.get("ip") ?? DEFAULT_ADDRESS)),
    ...(user !== undefined && findUser(user, settings)),
    certificate: cert === undefined ? undefined : await verifyFile(cert, settings, now),
  };
}

/** In the form in which the server gives addresses to rules. */
function readAddress(text: string): string {
  if (isIP(text) !== 0 || text === "unix") return new ClientAddress([]).find(text, []);
  throw new UsageError(`--ip ${JSON.stringify(text)} is no IP address, nor "unix"`);
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

/** What is no certificate is no refused one: a script that expects a refusal would take it for that. */
function readChain(file: string): Uint8Array[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    throw new UsageError(`--cert ${file}: ${fileReasonOf(error)}`);
  }
  const pem = readCertificates(text);
  if ("fault" in pem) throw new UsageError(`--cert ${file} ${pem.fault}`);
  return pem.content.map(({ raw }) => new Uint8Array(raw));
}
