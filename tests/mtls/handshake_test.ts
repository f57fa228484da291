/** Ways of connecting that must not lead round the question for a certificate, and must not hang. */
import assert from "node:assert/strict";
import {
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
  makeClient,
} from "../auth/certificate_factory.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { inTries } from "../harness/tries.ts";
import { RawClient } from "../server/raw_client.ts";
import { ADMIN_ONLY } from "./access_rules.ts";
import { assertDenied, assertNothingDone, readError, WRITE } from "./expect_refusal.ts";
import { HelloSplitter } from "./hello_splitter.ts";
import { type Exchange, exchange, OPENSSL, requestText, showing } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const root = makeAuthority({ subject: "Client Root" });
const admin = makeClient(root, { subject: "admin" });
const impostor = makeCertificate({ subject: "admin", keyUsage: [0], purposes: ["clientAuth"] });
const GET = requestText("GET", "/v2/", ["Connection: close"]);

let registry: RunningRegistry;
if (describeMissing(OPENSSL) === undefined) {
  Deno.test.beforeAll(async () => {
    const clientAuth = { caBundle: root.pem, settings: 'handshake_timeout = "1s"' };
    registry = await startRegistry({ clientAuth, config: ADMIN_ONLY });
  });
  Deno.test.afterAll(() => registry[Symbol.asyncDispose]());
}

type Connect = (certificate: MadeCertificate | undefined, text: string) => Promise<Exchange>;

/** A good certificate is served, none is nobody, a bad one is refused. */
async function expectUsualRules(connect: Connect): Promise<void> {
  assert.equal((await connect(admin, GET)).answer?.status, 200);
  const nobody = (await connect(undefined, GET)).answer;
  assert.equal(nobody?.status, 401);
  assert.match(readError(nobody).message, /^Authentication required/);
  assertDenied((await connect(impostor, WRITE)).answer, /self-signed/);
}

for (const split of ["segments", "records"] as const) {
  for (const version of ["tls1_2", "tls1_3"] as const) {
    test(`a ClientHello in five ${split} is answered under the same rules (${version})`, async () => {
      await expectUsualRules(async (certificate, text) => {
        await using splitter = new HelloSplitter(registry.port, split, 5);
        const shows = certificate && { shows: showing(certificate) };
        return await exchange({ port: splitter.port, caFile: registry.caFile }, text, { version, ...shows });
      });
    });
  }
}

const NAMES: readonly [title: string, args: readonly string[]][] = [
  ["no server name", ["-noservername"]],
  ["the name of the certificate", ["-servername", "localhost"]],
  ["that name in capitals", ["-servername", "LOCALHOST"]],
  ["another name", ["-servername", "metrics.internal"]],
];

for (const [title, args] of NAMES) {
  test(`${title} in the handshake, and another Host in the request, change no rule`, async () => {
    await expectUsualRules((certificate, text) =>
      exchange(registry, text.replace("Host: localhost", "Host: public.example.com"), {
        args,
        ...(certificate && { shows: showing(certificate) }),
      })
    );
  });
}

const OLD: readonly [title: string, args: readonly string[]][] = [
  ["TLS 1.0", ["-tls1", "-cipher", "ALL:@SECLEVEL=0"]],
  ["TLS 1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]],
  ["a cipher without forward secrecy", ["-no_tls1_3", "-cipher", "AES128-SHA:AES256-SHA:AES128-GCM-SHA256"]],
  ["a cipher in CBC mode", ["-no_tls1_3", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384"]],
];

for (const [title, args] of OLD) {
  test(`a client that knows only ${title} is refused in the handshake`, async () => {
    const { answer, output } = await exchange(registry, GET, { version: "any", args, shows: showing(admin) });
    assert.equal(answer, undefined);
    assert.match(output, /alert|unexpected eof|Connection reset/i);
  });
}

test("plain HTTP on the port of TLS is ended at once, without an HTTP answer", async () => {
  using client = await RawClient.connect(registry.port);
  await client.send(requestText("GET", "/v2/"));
  assert.doesNotMatch(await client.readToEnd(), /HTTP/);
});

test(
  "handshakes that stop in the middle end by themselves and keep nobody else waiting",
  inTries(async () => {
    const stuck = await Promise.all(Array.from({ length: 40 }, async () => {
      const client = await RawClient.connect(registry.port);
      // The head of a record of 500 bytes, and nothing after it.
      await client.send(Uint8Array.of(22, 3, 1, 1, 244, 1));
      return client;
    }));
    const started = performance.now();
    assert.equal((await exchange(registry, GET, { shows: showing(admin) })).answer?.status, 200);
    assert.ok(performance.now() - started < 1000, "others were kept waiting");
    for (const client of stuck) {
      await client.readToEnd();
      client.close();
    }
    assert.ok(performance.now() - started < 10_000, "handshake_timeout does not end them");
  }),
);

test("headers in which proxies tell about certificates are not believed", async () => {
  const pem = encodeURIComponent(admin.pem);
  const headers = [
    `X-Client-Cert: ${pem}`,
    `X-SSL-Client-Cert: ${pem}`,
    "X-SSL-Client-S-DN: CN=admin",
    "X-SSL-Client-Verify: SUCCESS",
    `X-Forwarded-Client-Cert: Cert="${pem}";Subject="CN=admin"`,
    `X-Forwarded-Tls-Client-Cert: ${pem}`,
    `Client-Cert: :${admin.der.toBase64()}:`,
    "X-Remote-User: admin",
    "Connection: close",
  ];
  const write = requestText("POST", "/v2/stolen/blobs/uploads/", headers);
  const { answer } = await exchange(registry, write);
  assert.equal(answer?.status, 401);
  assertDenied((await exchange(registry, write, { shows: showing(impostor) })).answer, /self-signed/);
  await assertNothingDone(registry);
});
