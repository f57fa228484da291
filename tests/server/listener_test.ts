/** A listener that is opened anew at its place: requests under way end, and whoever comes next is answered. */
import assert from "node:assert/strict";
import { issueCertificate } from "../harness/certificates.ts";
import { keyPair, testBoth, TestServer } from "./test_server.ts";
import { RawClient } from "./raw_client.ts";

const OPEN = "GET /open HTTP/1.1\r\nHost: a\r\n\r\n";
const STUCK = "POST /stuck HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";

testBoth(
  "a listener that is opened anew answers at the same port, and lets requests under way end",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    using waiting = await server.connect();
    await waiting.send(STUCK);
    await server.echo.sees(1);
    assert.equal(await server.server.openAgain(), true);
    assert.equal(await server.server.openAgain(), true);
    assert.equal((await server.ask(OPEN)).status, 200);
    await waiting.send("abc");
    assert.equal((await waiting.readAnswer()).body, "read 3");
  },
);

testBoth("a drain also waits for the requests of a listener that was opened anew since", async (secure) => {
  await using server = await TestServer.start({ secure });
  using waiting = await server.connect();
  await waiting.send(STUCK);
  await server.echo.sees(1);
  await server.server.openAgain();
  const drained = server.server.drain(10_000);
  await assert.rejects(server.connect());
  assert.equal(await server.server.openAgain(), false, "opened while it is drained");
  await waiting.send("abc");
  server.echo.gate.resolve();
  assert.equal((await waiting.readAnswer()).body, "read 3");
  await drained;
});

Deno.test("a listener that is opened anew shows the certificate of the last reload", async () => {
  await using server = await TestServer.start({ secure: true });
  const other = issueCertificate({ commonName: "Other CA", isAuthority: true });
  const leaf = issueCertificate({
    commonName: "localhost",
    issuer: other,
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    purposes: ["serverAuth"],
  });
  server.server.replaceKeyPair({ ...keyPair, certificate: leaf.certificatePem, privateKey: leaf.keyPem });
  await server.server.openAgain();
  using client = await RawClient.connect(server.port, other.certificatePem);
  await client.send(OPEN);
  assert.equal((await client.readAnswer()).status, 200);
  await assert.rejects(server.ask(OPEN), "the former certificate");
});

Deno.test("a unix socket that is opened anew is the one at its path, with its permissions", async () => {
  const folder = await Deno.makeTempDir();
  await using server = new TestServer({});
  try {
    const path = `${folder}/socket`;
    await server.server.open({ kind: "unix", path, mode: 0o600 });
    await server.server.openAgain();
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    using connection = await Deno.connect({ transport: "unix", path });
    await connection.write(new TextEncoder().encode(OPEN));
    const bytes = new Uint8Array(12);
    await connection.read(bytes);
    assert.equal(new TextDecoder().decode(bytes), "HTTP/1.1 200");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a socket that was handed over is not opened anew", async () => {
  await using server = new TestServer({});
  assert.equal(await server.server.openAgain(), false);
});
