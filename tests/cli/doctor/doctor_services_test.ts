/** `doctor` on what lies elsewhere: webhooks, and registries that content comes from. */
import assert from "node:assert/strict";
import { makeAuthority } from "../../auth/certificate_factory.ts";
import { FREE_PORT, makeServerCertificate, openTrial, POLICY, SERVER_CA } from "./doctor_trial.ts";

/** A TLS server that does handshakes and nothing else. */
function listenTls(): Deno.TlsListener {
  const { pem, keyPem } = makeServerCertificate();
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: pem, key: keyPem });
  void (async () => {
    for await (const connection of listener) connection.handshake().catch(() => {});
  })().catch(() => {});
  return listener;
}

Deno.test("doctor notices webhooks that do not listen, or whose certificate leads elsewhere", async (t) => {
  await using trial = await openTrial();
  const webhook = (url: string, ca: string) =>
    `${FREE_PORT}${POLICY}[auth.webhook.opa]\nurl = "${url}"\ntimeout_ms = 1000\nserver_ca_bundle = "${ca}"\n`;
  const ca = await trial.write("ca.pem", SERVER_CA.pem);
  using listener = listenTls();
  const url = (host: string) => `https://${host}:${listener.addr.port}/ask`;
  await t.step("one that is well", async () => {
    assert.match(
      await trial.examine(webhook(url("localhost"), ca), "auth.webhook.opa"),
      /^ok .*its certificate is trusted$/,
    );
  });
  await t.step("another CA", async () => {
    const other = await trial.write("other.pem", makeAuthority({ subject: "Other" }).pem);
    const line = await trial.examine(webhook(url("localhost"), other), "auth.webhook.opa");
    assert.match(line, /^problem .*certificate does not lead to a CA of .*other\.pem/);
  });
  await t.step("another name", async () => {
    const line = await trial.examine(webhook(url("127.0.0.1"), ca), "auth.webhook.opa");
    assert.match(line, /^problem .*certificate does not name 127\.0\.0\.1/);
  });
  await t.step("nobody listens", async () => {
    listener.close();
    const line = await trial.examine(webhook(url("localhost"), ca), "auth.webhook.opa");
    assert.match(line, /^problem .*nothing listens at localhost:/);
  });
});

Deno.test("doctor notices upstreams that may not be asked, are not there, or whose certificate leads elsewhere", async (t) => {
  await using trial = await openTrial();
  using listener = listenTls();
  const ca = await trial.write("ca.pem", SERVER_CA.pem);
  const { port } = listener.addr;
  const examine = (upstream: string, mirror = "") =>
    trial.examine(
      `${FREE_PORT}${POLICY}[repository.hub]\n${mirror}\n[[repository.hub.upstream]]\n${upstream}\n`,
      "upstream of hub",
    );
  const allowed = 'allowed_addresses = ["127.0.0.1"]';
  await t.step("one that is well", async () => {
    const line = await examine(`url = "https://localhost:${port}"\nserver_ca_bundle = "${ca}"\n${allowed}`);
    assert.match(line, /^ok .*its certificate is trusted$/);
  });
  await t.step("an address that is not public", async () => {
    const line = await examine(`url = "https://localhost:${port}"\nserver_ca_bundle = "${ca}"`);
    assert.match(line, /^problem .*not a public address: list it in allowed_addresses/);
  });
  await t.step("a certificate of an unknown CA", async () => {
    assert.match(
      await examine(`url = "https://localhost:${port}"\n${allowed}`),
      /^problem .*does not lead to a CA of/,
    );
  });
  await t.step("a mirror that is offline is not asked", async () => {
    assert.match(
      await examine(`url = "https://localhost:1"\n${allowed}`, "offline = true"),
      /^ok .*offline$/,
    );
  });
});
