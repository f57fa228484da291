/** Files of the configuration that change under a running registry, in every way in which people and machines change files. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { makeAuthority, makeClient } from "../../auth/certificate_factory.ts";
import { writeServerCertificate } from "../../harness/certificates.ts";
import { RegistryApi } from "../../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../../harness/start_registry.ts";
import { RawClient } from "../../server/raw_client.ts";
import { Verdicts } from "./reload_verdicts.ts";

const RELOADED = "configuration reloaded";
const OPEN = "[global.access_policy]\ndefault_allow = true";
const PAIR = ["server.crt", "server.key"];

const folderOf = (registry: RunningRegistry): string => dirname(registry.caFile);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Status of a request on a connection of its own to a server that `caPem` vouches for. */
async function ask(registry: RunningRegistry, caPem: string, path = "/v2/_catalog"): Promise<number> {
  using client = await RawClient.connect(registry.port, caPem);
  await client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return (await client.readAnswer()).status;
}

/** A new certificate with its key beside the registry's, as files of the same names. */
async function renew(registry: RunningRegistry): Promise<{ folder: string; caPem: string }> {
  const folder = await Deno.makeTempDir({ dir: folderOf(registry), prefix: "..renewed-" });
  const { caPem } = await writeServerCertificate(folder);
  return { folder, caPem };
}

async function isInForce(registry: RunningRegistry, caPem: string): Promise<string | undefined> {
  using api = new RegistryApi({ url: registry.url, caPem });
  const text = await (await api.expect(200, "GET", "/metrics")).text();
  return /^simple_registry_config_last_reload_successful (\d)$/m.exec(text)?.[1];
}

Deno.test("a configuration that is renamed over the former one is taken over", async () => {
  await using registry = await startRegistry({ config: OPEN });
  const verdicts = new Verdicts(registry);
  const file = `${folderOf(registry)}/config.toml`;
  using open = await RawClient.connect(registry.port, registry.caPem);
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(
    `${file}.new`,
    text.replace("default_allow = true", "default_allow = false").replace("port = 0", "port = 4"),
  );
  await Deno.rename(`${file}.new`, file);
  const verdict = await verdicts.next();
  assert.equal(verdict.message, RELOADED);
  assert.deepEqual(verdict.changed, [file]);
  assert.deepEqual(verdict.waits_for_restart, ["server.port"]);
  await open.send("GET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal((await open.readAnswer()).status, 401, "the next request of a connection that was open");
});

Deno.test("a certificate behind links is renewed the way Kubernetes does it, again and again", async () => {
  await using registry = await startRegistry({ config: OPEN });
  const verdicts = new Verdicts(registry);
  const folder = folderOf(registry);
  // The files become links through ..data, which says the same as before and is no reason to reload.
  await Deno.mkdir(`${folder}/..first`);
  await Deno.symlink("..first", `${folder}/..data`);
  for (const name of PAIR) {
    await Deno.copyFile(`${folder}/${name}`, `${folder}/..first/${name}`);
    await Deno.symlink(`..data/${name}`, `${folder}/${name}.link`);
    await Deno.rename(`${folder}/${name}.link`, `${folder}/${name}`);
  }
  let former = `${folder}/..first`;
  for (let round = 0; round < 3; round++) {
    const renewed = await renew(registry);
    await Deno.symlink(renewed.folder, `${folder}/..data_tmp`);
    await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
    await Deno.remove(former, { recursive: true });
    former = renewed.folder;
    const verdict = await verdicts.next();
    assert.equal(verdict.message, RELOADED, verdict.reason);
    assert.deepEqual(verdict.changed, PAIR.map((name) => `${folder}/${name}`));
    assert.equal(await ask(registry, renewed.caPem), 200);
  }
  assert.deepEqual(verdicts.unread, []);
});

Deno.test("a list of CAs that is written in place, piece by piece, takes effect once and whole", async () => {
  const [first, second] = [makeAuthority({ subject: "First" }), makeAuthority({ subject: "Second" })];
  const client = makeClient(second, { subject: "bob" });
  await using registry = await startRegistry({ clientAuth: { caBundle: first.pem }, config: OPEN });
  const verdicts = new Verdicts(registry);
  const file = await Deno.open(`${folderOf(registry)}/client-ca.pem`, { write: true, truncate: true });
  const writer = file.writable.getWriter();
  // Each state between would be a list that can be used.
  for (const authority of [first, makeAuthority({ subject: "Other" }), second]) {
    await writer.write(new TextEncoder().encode(authority.pem));
    await pause(200);
  }
  await writer.close();
  assert.equal((await verdicts.next()).message, RELOADED);
  const identity = { certificatePem: client.pem, keyPem: client.keyPem };
  using api = new RegistryApi(registry, identity);
  await (await api.expect(200, "GET", "/v2/")).body?.cancel();
  assert.deepEqual(verdicts.unread, []);
});

Deno.test("a certificate without its key waits for the key, and one that stays alone is told once", async () => {
  await using registry = await startRegistry({ config: OPEN });
  const verdicts = new Verdicts(registry);
  const folder = folderOf(registry);
  const first = await renew(registry);
  await Deno.rename(`${first.folder}/server.crt`, `${folder}/server.crt`);
  await pause(1500);
  assert.equal(await ask(registry, registry.caPem), 200, "the former pair is in force");
  await Deno.rename(`${first.folder}/server.key`, `${folder}/server.key`);
  assert.equal((await verdicts.next()).message, RELOADED, "no word of the time between");
  assert.equal(await ask(registry, first.caPem), 200);

  const second = await renew(registry);
  await Deno.rename(`${second.folder}/server.key`, `${folder}/server.key`);
  const verdict = await verdicts.next();
  assert.equal(verdict.message, "configuration not reloaded, the former one stays");
  assert.match(verdict.reason!, /server\.key is not the key of the certificate in server_certificate_bundle/);
  assert.equal(await isInForce(registry, first.caPem), "0");
  await Deno.rename(`${second.folder}/server.crt`, `${folder}/server.crt`);
  assert.equal((await verdicts.next()).message, RELOADED);
  assert.equal(await isInForce(registry, second.caPem), "1");
  assert.deepEqual(verdicts.unread, []);
});

Deno.test("a secret that is deleted is in force until it is there again", async () => {
  const folder = await Deno.makeTempDir();
  const key = (byte: number): string => new Uint8Array(32).fill(byte).toBase64();
  await Deno.writeTextFile(`${folder}/token.key`, key(1));
  await using registry = await startRegistry({
    config: `${OPEN}\n[auth.token_service]\nsecret_key_file = "${folder}/token.key"`,
  });
  const verdicts = new Verdicts(registry);
  using api = new RegistryApi(registry);
  const { token } = await (await api.expect(200, "GET", "/token")).json();
  const headers = { authorization: `Bearer ${token}` };
  const present = async (status: number): Promise<void> =>
    await (await api.expect(status, "GET", "/v2/", { headers })).body?.cancel();
  await present(200);
  await Deno.remove(folder, { recursive: true });
  await pause(1000);
  await present(200);
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/token.key`, key(2));
  const verdict = await verdicts.next();
  assert.equal(verdict.message, RELOADED, verdict.reason);
  await present(401);
  await Deno.remove(folder, { recursive: true });
});
