/** A session that was saved before a reload is judged by what is trusted after it. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { makeRevocationList } from "../auth/revocation_list_factory.ts";
import { testWith } from "../harness/real_clients.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ADMIN_ONLY } from "./access_rules.ts";
import { expectRefusal } from "./expect_refusal.ts";
import { exchange, OPENSSL, requestText, showing } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const root = makeAuthority({ subject: "Client Root" });
const middle = makeAuthority({ subject: "Client Middle", issuer: root });
const admin = makeClient(middle, { subject: "admin" });
const GET = requestText("GET", "/v2/", ["Connection: close"]);

const listsOf = (revoked: readonly (typeof admin)[]) => ({
  "client-0.crl":
    makeRevocationList({ issuer: root, revoked: revoked.filter((each) => each === middle) }).pem,
  "client-1.crl":
    makeRevocationList({ issuer: middle, revoked: revoked.filter((each) => each !== middle) }).pem,
});

const CHANGES: readonly [title: string, files: Record<string, string>, reason: RegExp][] = [
  ["revokes the certificate", listsOf([admin]), /revoked by its issuer "CN=Client Middle"/],
  ["revokes the intermediate", listsOf([middle]), /CA "CN=Client Middle".* revoked|revoked/],
  ["takes the CA away", { "client-ca.pem": makeAuthority({ subject: "Other" }).pem }, /unknown issuer/],
];

async function reload(registry: RunningRegistry): Promise<void> {
  registry.process.kill("SIGHUP");
  const isDone = (line: string) => /"configuration reloaded"/.test(line) || undefined;
  await registry.process.waitForLine("the end of the reload", isDone);
}

for (const [title, files, reason] of CHANGES) {
  test(`a session resumes and is refused after a reload that ${title}`, async () => {
    const revocationLists = Object.values(listsOf([])).map((list) => new TextEncoder().encode(list));
    await using registry = await startRegistry({
      server: "threads = 1",
      clientAuth: { caBundle: root.pem, revocationLists },
      config: ADMIN_ONLY,
    });
    const folder = await Deno.makeTempDir();
    const shows = showing(admin, middle);
    for (const version of ["tls1_2", "tls1_3"] as const) {
      const session = `${folder}/${version}.pem`;
      const first = await exchange(registry, GET, { version, shows, saveSession: session });
      assert.equal(first.answer?.status, 200, first.answer?.body ?? "no answer");
      const again = await exchange(registry, GET, { version, resume: session });
      assert.ok(again.reused && again.answer?.status === 200, "a good session resumes before the reload");
    }
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${dirname(registry.caFile)}/${name}`, text);
    }
    await reload(registry);
    for (const version of ["tls1_2", "tls1_3"] as const) {
      const resume = `${folder}/${version}.pem`;
      assert.ok(await expectRefusal(registry, { version, resume }, reason), "the session was not resumed");
      await expectRefusal(registry, { version, resume, shows }, reason);
      await expectRefusal(registry, { version, shows }, reason);
    }
    await Deno.remove(folder, { recursive: true });
  });
}
