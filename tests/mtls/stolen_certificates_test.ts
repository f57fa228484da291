/** Others' certificates beside one's own, or in its place, make nobody another person. */
import assert from "node:assert/strict";
import { makeAuthority, makeCertificate, makeClient } from "../auth/certificate_factory.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ADMIN_ONLY } from "./access_rules.ts";
import { withPublicKeyOf } from "./borrowed_key.ts";
import { assertDenied, expectRefusal, logEntries, waitForLogEntry, WRITE } from "./expect_refusal.ts";
import { exchange, OPENSSL, requestText, showing, type Shown, type TlsVersion } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const root = makeAuthority({ subject: "Client Root" });
const middle = makeAuthority({ subject: "Client Middle", issuer: root });
const admin = makeClient(root, { subject: "admin" });
const LAST_WRITE = requestText("POST", "/v2/app/blobs/uploads/", ["Connection: close"]);

let registry: RunningRegistry;
if (describeMissing(OPENSSL) === undefined) {
  Deno.test.beforeAll(async () => {
    registry = await startRegistry({
      server: "threads = 1",
      clientAuth: { caBundle: root.pem + makeAuthority().pem },
      config: ADMIN_ONLY,
    });
  });
  Deno.test.afterAll(() => registry[Symbol.asyncDispose]());
}

const mallory = makeClient(root, { subject: "mallory" });
const outsider = makeCertificate({ subject: "mallory", keyUsage: [0], purposes: ["clientAuth"] });

for (const [place, others] of [["in the middle", [admin, middle]], ["last", [middle, admin]]] as const) {
  test(`an administrator's public certificate ${place} of the chain makes nobody an administrator`, async () => {
    for (const version of ["tls1_2", "tls1_3"] as const) {
      const { answer } = await exchange(registry, LAST_WRITE, {
        version,
        shows: showing(mallory, ...others),
      });
      assert.equal(answer?.status, 403);
      assert.match(
        answer?.body ?? "",
        /Access denied: no rule of the global access policy allows start-upload/,
      );
      await expectRefusal(registry, { version, shows: showing(outsider, ...others) }, /self-signed/);
    }
  });
}

/** The registry hangs up in the handshake, so that the request of the attack is not even logged. */
async function expectNoHandshake(shows: Shown, version: TlsVersion): Promise<void> {
  const { answer, output } = await exchange(registry, requestText("GET", "/v2/unheard/tags/list"), {
    version,
    shows,
  });
  assert.equal(answer, undefined);
  // The alert may be lost where the connection is closed right behind it.
  assert.match(output, /alert|unexpected eof/);
  // What is logged now comes after whatever was logged of the attack.
  const later = `/v2/later/blobs/${crypto.randomUUID()}`;
  await exchange(registry, requestText("GET", later, ["Connection: close"]), { shows: showing(admin) });
  await waitForLogEntry(registry, "a later request", ({ path }) => path === later ? true : undefined);
  assert.deepEqual(logEntries(registry).filter(({ path }) => path?.includes("unheard")), []);
}

for (const version of ["tls1_2", "tls1_3"] as const) {
  test(`an administrator's certificate without its key ends the handshake (${version})`, async () => {
    const keyPem = withPublicKeyOf(mallory.key, admin.key);
    for (const certificates of [[admin], [admin, mallory], [admin, middle, mallory]]) {
      await expectNoHandshake({ certificates, keyPem }, version);
    }
  });

  test(`an administrator's version 1 certificate without its key gets nobody in (${version})`, async () => {
    const victim = makeClient(root, { subject: "admin", version: 1 });
    const shows = { certificates: [victim], keyPem: withPublicKeyOf(mallory.key, victim.key) };
    const { answer } = await exchange(registry, WRITE, { version, shows });
    // Older runtimes do not check the key of a version 1 certificate; then its version is what refuses it.
    if (answer !== undefined) assertDenied(answer, /X\.509 version 1/);
  });

  test(`a certificate with an unknown critical extension ends the handshake, without a reason (${version})`, async () => {
    const extensions = [{ identifier: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }];
    await expectNoHandshake(showing(makeClient(root, { subject: "admin", extensions })), version);
  });
}

test("a chain of 100 KB ends the handshake or is refused, and others are served", async () => {
  const padding = { identifier: "1.2.3.5", value: new Uint8Array(25_000).fill(4) };
  const big = Array.from(
    { length: 4 },
    (_, i) => makeAuthority({ subject: `Big ${i}`, extensions: [padding] }),
  );
  const { answer } = await exchange(registry, WRITE, { shows: showing(admin, ...big) });
  assert.ok(answer === undefined || answer.status === 403, JSON.stringify(answer));
  const { answer: next } = await exchange(registry, LAST_WRITE, { shows: showing(admin) });
  assert.equal(next?.status, 202);
});
