/** A certificate that expires takes its rights from open connections and from saved sessions in that same moment. */
import assert from "node:assert/strict";
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { testWith } from "../harness/real_clients.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { inTries } from "../harness/tries.ts";
import { RawClient } from "../server/raw_client.ts";
import { assertDenied, assertDeniedAtBase, expectRefusal, waitForLogEntry } from "./expect_refusal.ts";
import { exchange, OPENSSL, requestText, showing } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const EXPIRED = /client certificate refused: expired on \d{4}-\d\d-\d\d/;
const CONFIG = `[global.access_policy]
rules = ["identity.certificate.common_names.contains('brief')"]`;

/** Everything that needs the certificate while it is valid has to be done in that time; each try gives it more. */
let lifetime = 4;

/** A certificate ends with a whole second. */
function secondsFromNow(seconds: number): Date {
  return new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000);
}

async function untilAfter(date: Date): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, date.getTime() - Date.now() + 50));
}

test(
  "a certificate that expires after the handshake is refused with the next request and when its session resumes",
  inTries(async () => {
    const root = makeAuthority();
    const clientAuth = { caBundle: root.pem };
    await using registry = await startRegistry({ server: "threads = 1", clientAuth, config: CONFIG });
    const notAfter = secondsFromNow(lifetime);
    lifetime *= 4;
    const brief = makeClient(root, { subject: "brief", notAfter });
    const folder = await Deno.makeTempDir();

    const connect = async () =>
      new RawClient(
        await Deno.connectTls({
          hostname: "localhost",
          port: registry.port,
          caCerts: [registry.caPem],
          cert: brief.pem,
          key: brief.keyPem,
        }),
      );
    using idle = await connect();
    await idle.send(requestText("GET", "/v2/"));
    assert.equal((await idle.readAnswer()).status, 200);
    using uploading = await connect();
    await uploading.send(requestText("POST", "/v2/app/blobs/uploads/"));
    const opened = await uploading.readAnswer();
    assert.equal(opened.status, 202);

    const sessions = await Promise.all((["tls1_2", "tls1_3"] as const).map(async (version) => {
      const session = `${folder}/${version}.pem`;
      const request = requestText("GET", "/v2/", ["Connection: close"]);
      const first = await exchange(registry, request, {
        version,
        shows: showing(brief),
        saveSession: session,
      });
      assert.equal(first.answer?.status, 200, first.answer?.body);
      // A resumption hands out a fresh ticket, which must not outlive the certificate either.
      const again = await exchange(registry, request, { version, resume: session, saveSession: session });
      assert.ok(again.reused);
      assert.equal(again.answer?.status, 200, again.answer?.body);
      return { version, session };
    }));
    assert.ok(Date.now() < notAfter.getTime(), "this machine is too slow: the certificate expired too early");
    await untilAfter(notAfter);

    await idle.send(requestText("GET", "/v2/"));
    assertDeniedAtBase(await idle.readAnswer(), EXPIRED);
    await idle.closedAfter();
    await uploading.send(
      requestText("PATCH", new URL(opened.headers.get("location")!, registry.url).pathname),
    );
    assertDenied(await uploading.readAnswer(), EXPIRED);
    await uploading.closedAfter();
    for (const { version, session } of sessions) {
      assert.ok(await expectRefusal(registry, { version, resume: session }, EXPIRED), "it was not resumed");
      assert.equal(await expectRefusal(registry, { version, shows: showing(brief) }, EXPIRED), false);
    }
    const logged = await waitForLogEntry(
      registry,
      "the line of the refusal",
      (entry) => entry.message === "client certificate refused" ? entry : undefined,
    );
    assert.equal(logged.code, "expired");
    await Deno.remove(folder, { recursive: true });
  }),
);
