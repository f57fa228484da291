import assert from "node:assert/strict";
import { withSystemCas } from "../../src/cli/system_cas.ts";
import { ConfigError } from "../../src/config/config_error.ts";
import { WebhookServer } from "../auth/webhook_server.ts";
import { load } from "../config/load_text.ts";
import { issueCertificate } from "../harness/certificates.ts";
import { startRegistry } from "../harness/start_registry.ts";

const OWN = issueCertificate({ commonName: "Own CA", isAuthority: true }).certificatePem;

function webhook(name: string, url: string, more = ""): string {
  return `[auth.webhook.${name}]\nurl = "${url}"\ntimeout_ms = 5000\n${more}\n`;
}

Deno.test("withSystemCas() gives the CAs of the system to webhooks behind https that name none", () => {
  const config = webhook("plain", "http://a.example/") + webhook("system", "HTTPS://b.example/") +
    webhook("own", "https://c.example/", 'server_ca_bundle = "own.pem"');
  const settings = load(config, { files: { "own.pem": OWN } });
  const cas = withSystemCas(settings, () => ["FIRST", "SECOND"]).auth.webhooks.map(({ name, serverCa }) => [
    name,
    serverCa?.pem,
  ]);
  assert.deepEqual(cas, [["plain", undefined], ["system", "FIRST\nSECOND\n"], ["own", OWN]]);
});

Deno.test("withSystemCas() gives upstreams behind https the CAs of the system beside their own", () => {
  const settings = load(
    [["http://a.example", ""], ["https://b.example", ""], [
      "https://c.example",
      'server_ca_bundle = "own.pem"',
    ]]
      .map(([url, more]) => `[[repository."hub".upstream]]\nurl = "${url}"\n${more}\n`).join(""),
    { files: { "own.pem": OWN } },
  );
  const [hub] = withSystemCas(settings, () => ["FIRST", "SECOND"]).repositories;
  assert.deepEqual(hub?.mirror?.upstreams.map(({ serverCa }) => serverCa?.pem), [
    undefined,
    "FIRST\nSECOND\n",
    `${OWN.trimEnd()}\nFIRST\nSECOND\n`,
  ]);
  assert.throws(
    () => withSystemCas(settings, () => []),
    {
      message:
        "repository.hub.upstream.2: needs server_ca_bundle, because this machine has no CAs of the system",
    },
  );
});

Deno.test("withSystemCas() reads nothing where nothing needs it", () => {
  const settings = load(webhook("plain", "http://a.example/"));
  assert.equal(withSystemCas(settings, () => assert.fail("read")), settings);
});

Deno.test("withSystemCas() says which webhooks would trust nobody", () => {
  const settings = load(webhook("a", "https://a.example/") + webhook("b", "https://b.example/"));
  assert.throws(() => withSystemCas(settings, () => []), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(error.message.split("\n"), [
      "auth.webhook.a: needs server_ca_bundle, because this machine has no CAs of the system",
      "auth.webhook.b: needs server_ca_bundle, because this machine has no CAs of the system",
    ]);
    return true;
  });
});

Deno.test("a running registry asks a webhook whose CA is one of the system", async () => {
  const ca = issueCertificate({ commonName: "System CA", isAuthority: true });
  const { certificatePem: certificate, keyPem: privateKey } = issueCertificate({
    commonName: "localhost",
    issuer: ca,
    dnsNames: ["localhost"],
    purposes: ["serverAuth"],
  });
  const folder = await Deno.makeTempDir();
  try {
    await using server = await WebhookServer.start({ certificate, privateKey });
    const file = `${folder}/system.pem`;
    await Deno.writeTextFile(file, ca.certificatePem);
    await using registry = await startRegistry({
      tls: false,
      env: { SSL_CERT_FILE: file },
      config: `[global]\nauthorization_webhook = "guard"\n[global.access_policy]\ndefault = "allow"\n` +
        webhook("guard", server.url),
    });
    const answer = await fetch(`${registry.url}/v2/_catalog`);
    assert.deepEqual([answer.status, await answer.json()], [200, { repositories: [] }]);
    assert.equal(server.asked.length, 1);
    server.answer = (response) => response.writeHead(403).end();
    const refused = await fetch(`${registry.url}/v2/`);
    assert.equal(refused.status, 401);
    assert.match(await refused.text(), /the authorization webhook forbids it/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
