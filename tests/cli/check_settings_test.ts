import assert from "node:assert/strict";
import { TrustError } from "../../src/auth/load_trust.ts";
import { checkSettings } from "../../src/cli/check_settings.ts";
import type { Settings } from "../../src/config/settings.ts";
import { DAY_MS, makeAuthority, makeCertificate } from "../auth/certificate_factory.ts";
import { makeRevocationList } from "../auth/revocation_list_factory.ts";
import { load } from "../config/load_text.ts";

const CA = makeAuthority({ subject: "Client Root" });
const SERVER = makeCertificate({ subject: "localhost", purposes: ["serverAuth"] });

function settingsWith(caBundle: string, more = "", files: Record<string, Uint8Array> = {}): Settings {
  const config = `[server.tls]
server_certificate_bundle = "server.pem"
server_private_key = "server.key"
client_ca_bundle = "ca.pem"
${more}`;
  return load(config, {
    files: { "server.pem": SERVER.pem, "server.key": SERVER.keyPem, "ca.pem": caBundle, ...files },
  });
}

Deno.test("checkSettings() is content with settings that work, with and without TLS", async () => {
  assert.deepEqual(await checkSettings(load(""), new Date()), []);
  assert.deepEqual(await checkSettings(settingsWith(CA.pem), new Date()), []);
});

Deno.test("checkSettings() refuses a client CA that is none", async () => {
  await assert.rejects(checkSettings(settingsWith(SERVER.pem), new Date()), TrustError);
});

Deno.test("checkSettings() passes on what is to be warned of", async () => {
  const now = Date.now();
  const list = makeRevocationList({
    issuer: CA,
    thisUpdate: new Date(now - 2 * DAY_MS),
    nextUpdate: new Date(now - DAY_MS),
  });
  const files = { "ca.crl": list.der };
  const more = 'client_crl_bundle = "ca.crl"\ncrl_expired = "warn"';
  const warnings = await checkSettings(settingsWith(CA.pem, more, files), new Date(now));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /expired/);
});
