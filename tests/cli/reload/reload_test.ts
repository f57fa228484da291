/** SIGHUP: what a changed configuration means for the next request of connections that are open. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { type MadeCertificate, makeAuthority, makeClient } from "../../auth/certificate_factory.ts";
import { makeRevocationList } from "../../auth/revocation_list_factory.ts";
import { writeServerCertificate } from "../../harness/certificates.ts";
import { type RunningRegistry, startRegistry } from "../../harness/start_registry.ts";
import { requestText } from "../../mtls/openssl_client.ts";
import { RawClient } from "../../server/raw_client.ts";
import { type Verdict, Verdicts } from "./reload_verdicts.ts";

const CA = makeAuthority({ subject: "Client Root" });
const BOB = makeClient(CA, { subject: [["O", "Infra"], ["CN", "bob"]] });
const POLICY = `[global.access_policy]\nrules = ["identity.certificate.organizations.contains('Infra')"]`;

function start(): Promise<RunningRegistry> {
  const revocationLists = [makeRevocationList({ issuer: CA }).der];
  return startRegistry({ clientAuth: { caBundle: CA.pem, revocationLists }, config: POLICY });
}

/** A connection as `client`, with which several requests are sent. */
async function connect(
  registry: RunningRegistry,
  client: MadeCertificate,
  caPem = registry.caPem,
): Promise<RawClient> {
  const { port } = registry;
  const caCerts = [caPem];
  return new RawClient(
    await Deno.connectTls({ hostname: "localhost", port, caCerts, cert: client.pem, key: client.keyPem }),
  );
}

async function ask(client: RawClient): Promise<{ status: number; body: string }> {
  await client.send(requestText("GET", "/v2/_catalog"));
  return await client.readAnswer();
}

/** Sends SIGHUP and waits until the registry says what became of it. */
async function reload(registry: RunningRegistry): Promise<Verdict> {
  const verdicts = new Verdicts(registry);
  while (verdicts.unread.length > 0) await verdicts.next();
  registry.process.kill("SIGHUP");
  return await verdicts.next();
}

async function edit(registry: RunningRegistry, change: (config: string) => string): Promise<void> {
  const file = `${dirname(registry.caFile)}/config.toml`;
  await Deno.writeTextFile(file, change(await Deno.readTextFile(file)));
}

async function revokeBob(registry: RunningRegistry): Promise<void> {
  const list = makeRevocationList({ issuer: CA, revoked: [BOB] });
  await Deno.writeFile(`${dirname(registry.caFile)}/client-0.crl`, list.der);
  await reload(registry);
}

Deno.test("a reload with another policy holds for the next request of an open connection", async () => {
  await using registry = await start();
  using client = await connect(registry, BOB);
  assert.equal((await ask(client)).status, 200);
  await edit(registry, (config) => config.replace("'Infra'", "'Other'"));
  assert.equal((await reload(registry)).message, "configuration reloaded");
  const refused = await ask(client);
  assert.equal(refused.status, 403);
  assert.match(refused.body, /no rule of the global access policy allows list-catalog/);
  await edit(registry, (config) => config.replace("'Other'", "'Infra'"));
  await reload(registry);
  assert.equal((await ask(client)).status, 200);
});

Deno.test("a reload with a revocation refuses the certificate of an open connection", async () => {
  await using registry = await start();
  using client = await connect(registry, BOB);
  assert.equal((await ask(client)).status, 200);
  await revokeBob(registry);
  const refused = await ask(client);
  assert.equal(refused.status, 403);
  assert.match(refused.body, /client certificate refused: .*revoked/);
});

Deno.test("a reload without its CA refuses the certificate of an open connection", async () => {
  await using registry = await start();
  using client = await connect(registry, BOB);
  assert.equal((await ask(client)).status, 200);
  const other = makeAuthority({ subject: "Other Root" });
  await Deno.writeTextFile(`${dirname(registry.caFile)}/client-ca.pem`, other.pem);
  await Deno.writeFile(`${dirname(registry.caFile)}/client-0.crl`, makeRevocationList({ issuer: other }).der);
  assert.equal((await reload(registry)).message, "configuration reloaded");
  const refused = await ask(client);
  assert.equal(refused.status, 403);
  assert.match(refused.body, /client certificate refused: unknown issuer/);
});

Deno.test("a reload brings new handshakes the new server certificate", async () => {
  await using registry = await start();
  const folder = dirname(registry.caFile);
  const other = await Deno.makeTempDir();
  const renewed = await writeServerCertificate(other);
  await Deno.copyFile(
    renewed.certificateFile,
    `${folder}/${renewed.certificateFile.slice(other.length + 1)}`,
  );
  await Deno.copyFile(renewed.keyFile, `${folder}/${renewed.keyFile.slice(other.length + 1)}`);
  await Deno.remove(other, { recursive: true });
  assert.equal((await reload(registry)).message, "configuration reloaded");
  using client = await connect(registry, BOB, renewed.caPem);
  assert.equal((await ask(client)).status, 200);
});

Deno.test("a reload of a broken configuration says every problem and leaves the former one in force", async () => {
  await using registry = await start();
  using client = await connect(registry, BOB);
  await edit(registry, (config) => `${config}\n[nonsense]\n`.replace("organizations", "organisations"));
  const verdict = await reload(registry);
  assert.equal(verdict.message, "configuration not reloaded, the former one stays");
  assert.match(verdict.reason!, /organisations[\s\S]*nonsense/);
  assert.equal((await ask(client)).status, 200);
});

Deno.test("a reload names what only a restart can change, and changes the rest", async () => {
  await using registry = await start();
  using client = await connect(registry, BOB);
  await edit(
    registry,
    (config) => config.replace("[server]", "[server]\nthreads = 5").replace("'Infra'", "'Other'"),
  );
  assert.deepEqual((await reload(registry)).waits_for_restart, ["server.threads"]);
  assert.equal((await ask(client)).status, 403);
});

Deno.test("a reload without client CAs, or without TLS, keeps the revocations of the reload before and not those of the start", async () => {
  await using registry = await start();
  using client = await connect(registry, BOB);
  assert.equal((await ask(client)).status, 200);
  await revokeBob(registry);
  assert.equal((await ask(client)).status, 403);
  const without: readonly [waits: string, lines: RegExp][] = [
    ["server.tls.client_ca_bundle being there", /^client_(ca|crl)_bundle = .*$/gm],
    ["[server.tls] being there", /^\[server\.tls\]$|^server_(certificate_bundle|private_key) = .*$/gm],
  ];
  for (const [waits, lines] of without) {
    await edit(registry, (config) => config.replace(lines, ""));
    const { message, waits_for_restart = [] } = await reload(registry);
    assert.equal(message, "configuration reloaded");
    assert.ok(waits_for_restart.includes(waits), waits_for_restart.join());
    using again = await connect(registry, BOB);
    const { status, body } = await ask(again);
    assert.equal(status, 403, waits);
    assert.match(body, /client certificate refused: .*revoked/);
  }
});
