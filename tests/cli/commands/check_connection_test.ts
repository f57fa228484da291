/** `client-config --check`: what it says of connections that fail, and of those that work. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { checkConnection, type ConnectionFiles } from "../../../src/cli/commands/check_connection.ts";
import { configureClient } from "../../../src/cli/commands/client_config_command.ts";
import { UsageError } from "../../../src/cli/usage.ts";
import { type MadeCertificate, makeAuthority, makeClient } from "../../auth/certificate_factory.ts";
import { convertKey } from "../../config/make_key_pair.ts";
import { startRegistry } from "../../harness/start_registry.ts";

const CA = makeAuthority({ subject: "Client Root" });
const POLICY = `[global.access_policy]\nrules = ["identity.certificate.organizations.contains('Infra')"]`;

Deno.test("client-config --check says in words what is wrong with a connection", async (t) => {
  await using registry = await startRegistry({ clientAuth: { caBundle: CA.pem }, config: POLICY });
  const folder = await Deno.makeTempDir();
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  };
  const pair = async (client: MadeCertificate) => ({
    certificate: await write("client.pem", client.pem),
    key: await write("client.key", client.keyPem),
  });
  const nobody = { certificate: undefined, key: undefined };
  const bob = makeClient(CA, { subject: [["O", "Infra"], ["CN", "bob"]] });
  const base = { host: registry.host, ca: registry.caFile };
  try {
    await t.step("a certificate that is let in", async () => {
      const { ok, text } = await checkConnection({ ...base, ...await pair(bob) });
      assert.ok(ok, text);
      assert.match(text, /ok: let in with this certificate/);
    });
    await t.step("no certificate", async () => {
      const { ok, text } = await checkConnection({ ...base, ...nobody });
      assert.ok(!ok);
      assert.match(text, /the registry answered 401: Authentication required: /);
      assert.match(text, /hint: no certificate was sent/);
    });
    await t.step("a certificate that the registry refuses, with its reason", async () => {
      const foreign = makeClient(makeAuthority({ subject: "Foreign Root" }), { subject: "eve" });
      const { ok, text } = await checkConnection({ ...base, ...await pair(foreign) });
      assert.ok(!ok);
      assert.match(text, /the registry answered 401: client certificate refused: unknown issuer/);
    });
    await t.step("a key that does not fit", async () => {
      const files = await pair(bob);
      await write("client.key", makeClient(CA, { subject: "other" }).keyPem);
      assert.match(
        (await checkConnection({ ...base, ...files })).text,
        /the key does not fit the certificate/,
      );
    });
    await t.step("a certificate that has expired", async () => {
      const expired = makeClient(CA, { subject: "late", notBefore: new Date(0), notAfter: new Date(1e12) });
      assert.match(
        (await checkConnection({ ...base, ...await pair(expired) })).text,
        /the certificate expired on /,
      );
    });
    await t.step("a certificate without its key", async () => {
      const { certificate } = await pair(bob);
      const { text } = await checkConnection({ ...base, certificate, key: undefined });
      assert.match(text, /--cert and --key go together/);
    });
    await t.step("a CA that did not sign the registry's certificate", async () => {
      const ca = await write("wrong.pem", CA.pem);
      const { ok, text } = await checkConnection({ ...base, ca, ...nobody });
      assert.ok(!ok);
      assert.match(text, /does not lead to a CA of .*wrong\.pem/);
    });
    await t.step("a name that the certificate does not hold", async () => {
      const other = makeClient(CA, {
        subject: "server",
        purposes: ["serverAuth"],
        alternativeNames: [{ dns: "other.example" }],
      });
      const server = createServer({ cert: other.pem, key: other.keyPem });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const ca = await write("ca.pem", CA.pem);
      const { text } = await checkConnection({ host: `localhost:${port}`, ca, ...nobody });
      assert.match(text, /the registry's certificate does not name localhost: use a name that it holds/);
      await new Promise((resolve) => server.close(resolve));
    });
    await t.step("files that were mixed up, are encrypted or in another form", async () => {
      const { certificate, key } = await pair(bob);
      const say = async (files: Partial<ConnectionFiles>) =>
        (await checkConnection({ ...base, ...nobody, ...files })).text;
      assert.equal(
        await say({ certificate: key, key: certificate }),
        `problem: ${key} holds no PEM block CERTIFICATE, only PRIVATE KEY\n`,
      );
      const encrypted = await write(
        "encrypted.key",
        await convertKey(bob.keyPem, "pkey", "-aes256", "-passout", "pass:x"),
      );
      assert.match(
        await say({ certificate, key: encrypted }),
        /encrypted\.key holds an encrypted key; decrypt it with /,
      );
      await Deno.writeFile(`${folder}/bob.der`, new X509Certificate(bob.pem).raw);
      assert.match(
        await say({ certificate: `${folder}/bob.der`, key }),
        /bob\.der holds no PEM block .* DER /,
      );
      assert.match(
        await say({ ca: await write("empty.pem", "") }),
        /^problem: .*empty\.pem holds no PEM block CERTIFICATE\n$/,
      );
    });
    await t.step("a file that is not there", async () => {
      const { ok, text } = await checkConnection({ ...base, ca: `${folder}/missing.pem`, ...nobody });
      assert.ok(!ok);
      assert.match(text, /missing\.pem/);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("client-config --check says that nothing listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { ok, text } = await configureClient(["--host", `127.0.0.1:${port}`, "--check"]);
  assert.ok(!ok);
  assert.match(text, /nothing listens at 127\.0\.0\.1:/);
});

for (const host of ["", "a b", "host:port", "https://host", "host/path", "host:65536", "$(id)"]) {
  Deno.test(`client-config refuses host ${JSON.stringify(host)}, which would go into commands`, async () => {
    await assert.rejects(configureClient(["--host", host, "--for", "docker"]), UsageError);
  });
}
