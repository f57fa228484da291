/** A resumed TLS session skips the verification of the runtime: whoever was refused must be refused again (design 5.2). */
import assert from "node:assert/strict";
import {
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
  makeClient,
} from "../auth/certificate_factory.ts";
import { makeRevocationList } from "../auth/revocation_list_factory.ts";
import { testWith } from "../harness/real_clients.ts";
import { type RegistryOptions, type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import {
  assertDenied,
  assertDeniedAtBase,
  assertNothingDone,
  expectRefusal,
  logEntries,
  readError,
  waitForLogEntry,
  WRITE,
} from "./expect_refusal.ts";
import { exchange, OPENSSL, requestText, showing, type Shown, type TlsVersion } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const VERSIONS: readonly [TlsVersion, string][] = [["tls1_2", "TLS 1.2"], ["tls1_3", "TLS 1.3"]];
const ADMIN_ONLY = `
[global.access_policy]
rules = ["identity.certificate.common_names.contains('admin')"]
`;
const CLOSE = ["Connection: close"];
/** The write of the attack by a client that may close first. */
const LAST_WRITE = requestText("POST", "/v2/stolen/blobs/uploads/", CLOSE);

const root = makeAuthority({ subject: "Client Root" });
const middle = makeAuthority({ subject: "Client Middle", issuer: root });
const admin = makeClient(root, { subject: "admin" });
const revoked = makeClient(root, { subject: "admin" });
const lists = [root, middle].map((issuer) => makeRevocationList({ issuer, revoked: [revoked] }).der);

/** One thread, so that every connection meets the thread that has the session. */
function startAlone(options: RegistryOptions = {}): Promise<RunningRegistry> {
  const clientAuth = { caBundle: root.pem };
  return startRegistry({ server: "threads = 1", clientAuth, config: ADMIN_ONLY, ...options });
}

const REFUSED: readonly [title: string, shows: () => Shown, reason: RegExp][] = [
  [
    "a self-signed certificate",
    () => showing(makeCertificate({ subject: "admin", keyUsage: [0], purposes: ["clientAuth"] })),
    /unknown issuer: it is self-signed/,
  ],
  [
    "a certificate of a foreign CA with the name of ours",
    () => showing(makeClient(makeAuthority({ subject: "Client Root" }), { subject: "admin" })),
    /not signed with the key of its issuer/,
  ],
  ["a revoked certificate", () => showing(revoked), /revoked/],
  [
    "a certificate for servers only",
    () => showing(makeClient(root, { subject: "admin", purposes: ["serverAuth"] })),
    /not for client authentication/,
  ],
];

for (const [version, versionName] of VERSIONS) {
  test(`${versionName}: what was refused is refused again when its session resumes`, async (t) => {
    await using registry = await startAlone({ clientAuth: { caBundle: root.pem, revocationLists: lists } });
    const folder = await Deno.makeTempDir();
    for (const [title, shows, reason] of REFUSED) {
      await t.step(`${title} comes back with its session, without and with the certificate`, async () => {
        const shown = shows();
        const session = `${folder}/session.pem`;
        const first = await exchange(registry, WRITE, { version, shows: shown, saveSession: session });
        assert.equal(first.reused, false);
        assertDenied(first.answer, reason);
        for (const again of [{}, { shows: shown }]) {
          const resumed = await expectRefusal(registry, { version, resume: session, ...again }, reason);
          assert.ok(resumed, "the session was not resumed, so this proves nothing");
        }
      });
    }
    await t.step("the ticket that a refused resumption hands out is worth nothing either", async () => {
      const shows = REFUSED[0]![1]();
      const session = `${folder}/chain.pem`;
      await exchange(registry, WRITE, { version, shows, saveSession: session });
      for (let round = 0; round < 3; round++) {
        const options = { version, resume: session, saveSession: session };
        const { reused, answer } = await exchange(registry, WRITE, options);
        assert.ok(reused);
        assertDenied(answer, /self-signed/);
      }
    });
    await assertNothingDone(registry);
    const control = await exchange(registry, LAST_WRITE, { version, shows: showing(admin) });
    assert.equal(control.answer?.status, 202, "the policy lets an administrator with a good certificate in");
    await Deno.remove(folder, { recursive: true });
  });

  test(`${versionName}: on all threads a refused session gives nothing, taken up again or not`, async () => {
    await using registry = await startAlone({ server: "threads = 2" });
    const folder = await Deno.makeTempDir();
    const shows = REFUSED[0]![1]();
    const session = `${folder}/session.pem`;
    await exchange(registry, WRITE, { version, shows, saveSession: session });
    let resumed = 0;
    let fresh = 0;
    // The kernel chooses the thread by the ports of the connection, and only one of the two knows the session.
    for (let round = 0; round < 60 && (resumed < 3 || fresh < 3); round++) {
      const { reused, answer } = await exchange(registry, LAST_WRITE, { version, resume: session });
      if (reused) {
        resumed++;
        assertDenied(answer, /self-signed/);
      } else {
        fresh++;
        assert.equal(answer?.status, 401);
        assert.match(readError(answer).message, /^Authentication required/);
      }
    }
    assert.ok(resumed >= 3 && fresh >= 3, `${resumed} resumed, ${fresh} fresh`);
    for (let round = 0; round < 6; round++) {
      const { answer } = await exchange(registry, WRITE, { version, resume: session, shows });
      assertDenied(answer, /self-signed/);
    }
    const threads = new Set(
      logEntries(registry).filter(({ request }) => request !== undefined)
        .map(({ request }) => request?.split("-")[0]),
    );
    assert.equal(threads.size, 2, "both threads answered");
    await assertNothingDone(registry);
    await Deno.remove(folder, { recursive: true });
  });

  test(`${versionName}: a good client that resumes is served with its identity, also with an intermediate`, async (t) => {
    await using registry = await startAlone();
    const folder = await Deno.makeTempDir();
    const clients: [title: string, own: MadeCertificate, shows: Shown][] = [
      ["certificate of the root", admin, showing(admin)],
    ];
    const below = makeClient(middle, { subject: [["O", "ops"], ["CN", "admin"]] });
    clients.push(["certificate of an intermediate", below, showing(below, middle)]);
    for (const [title, own, shows] of clients) {
      await t.step(title, async () => {
        const session = `${folder}/session.pem`;
        const request = requestText("POST", "/v2/mine/blobs/uploads/", CLOSE);
        const first = await exchange(registry, request, { version, shows, saveSession: session });
        assert.equal(first.answer?.status, 202, first.answer?.body);
        const serial = own.serial.toHex();
        for (const again of [{}, { shows }]) {
          const options = { version, resume: session, ...again };
          const { reused, answer } = await exchange(registry, request, options);
          assert.ok(reused, "the session was not resumed");
          assert.equal(answer?.status, 202, answer?.body);
        }
        const seen = (entry: Record<string, unknown>) => {
          const certificate = entry.certificate as { serial?: string } | undefined;
          return entry.message === "audit" && certificate?.serial === serial;
        };
        let count = 0;
        await waitForLogEntry(registry, "three audit lines", (entry) => {
          if (seen(entry)) count++;
          return count === 3 ? true : undefined;
        });
      });
    }
    await Deno.remove(folder, { recursive: true });
  });

  test(`${versionName}: a session of before a restart, or of another registry, gives nothing`, async () => {
    const folder = await Deno.makeTempDir();
    const [session, foreign] = [`${folder}/session.pem`, `${folder}/foreign.pem`];
    const rootDir = `${folder}/data`;
    const request = requestText("GET", "/v2/", CLOSE);
    const shows = showing(revoked);
    {
      await using before = await startAlone({ rootDir });
      const { answer } = await exchange(before, request, { version, shows, saveSession: session });
      assert.equal(answer?.status, 200, answer?.body);
    }
    {
      await using other = await startAlone();
      const { answer } = await exchange(other, request, { version, shows, saveSession: foreign });
      assert.equal(answer?.status, 200, answer?.body);
    }
    const nobody = makeAuthority({ subject: "Another Root" });
    const changes: [RegistryOptions["clientAuth"], RegExp][] = [
      [{ caBundle: root.pem, revocationLists: lists }, /revoked/],
      [{ caBundle: nobody.pem }, /unknown issuer: "CN=Client Root"/],
    ];
    for (const [clientAuth, reason] of changes) {
      await using after = await startAlone({ rootDir, clientAuth: clientAuth! });
      for (const resume of [session, foreign]) {
        const without = await exchange(after, request, { version, resume });
        assert.equal(without.reused, false);
        assert.equal(without.answer?.status, 401);
        assert.match(readError(without.answer).message, /^Authentication required/);
        const withCertificate = await exchange(after, request, { version, resume, shows });
        assertDeniedAtBase(withCertificate.answer, reason);
      }
      await assertNothingDone(after);
    }
    await Deno.remove(folder, { recursive: true });
  });
}
