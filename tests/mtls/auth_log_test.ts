/** SIMPLE_REGISTRY_LOG=auth=debug, and the how-to's RUST_LOG, show each step of a certificate's way. */
import assert from "node:assert/strict";
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { classOf } from "../../src/server/handshake_faults.ts";
import { testWith } from "../harness/real_clients.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { ADMIN_ONLY } from "./access_rules.ts";
import { expectRefusal, logEntries, waitForLogEntry } from "./expect_refusal.ts";
import { exchange, OPENSSL, requestText, showing } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const root = makeAuthority({ subject: "Client Root" });
const middle = makeAuthority({ subject: "Client Middle", issuer: root });
const admin = makeClient(middle, { subject: "admin" });
const GET = requestText("GET", "/v2/", ["Connection: close"]);

/** The steps that are logged for a good certificate, and after it for one that lacks its intermediate. */
async function readSteps(env: Record<string, string>): Promise<string[]> {
  const clientAuth = { caBundle: root.pem };
  await using registry = await startRegistry({ server: "threads = 1", clientAuth, config: ADMIN_ONLY, env });
  await exchange(registry, GET, { shows: showing(admin, middle) });
  await expectRefusal(registry, { shows: showing(admin) }, /intermediate missing/);
  await waitForLogEntry(
    registry,
    "the refusal",
    ({ message }) => message === "client certificate refused" || undefined,
  );
  const entries = logEntries(registry);
  assert.ok(entries.every(({ level, message }) => level !== "debug" || message === "certificate check"));
  return entries.filter(({ message }) => message === "certificate check").map(({ step }) => step ?? "");
}

const SETTINGS: readonly [string, string][] = [
  ["SIMPLE_REGISTRY_LOG", "auth=debug"],
  ["SIMPLE_REGISTRY_LOG", "info,auth=debug"],
  ["RUST_LOG", "simple_registry::registry::server::auth=debug"],
];

for (const [name, value] of SETTINGS) {
  test(`${name}=${value} shows how a chain is built, and nothing else of that level`, async () => {
    const steps = (await readSteps({ [name]: value })).join("\n");
    for (
      const step of [
        /^client certificate "CN=admin", issuer "CN=Client Middle", serial [0-9a-f]+, with 1 more$/m,
        /^issuer of "CN=admin" is "CN=Client Middle": 0 in client_ca_bundle, 1 sent by the client$/m,
        /^issuer of "CN=Client Middle" is "CN=Client Root": 1 in client_ca_bundle, 0 sent by the client$/m,
        /^path 1 of 1: "CN=admin" < "CN=Client Middle" < "CN=Client Root"$/m,
        /^accepted$/m,
        /^client certificate "CN=admin", issuer "CN=Client Middle", serial [0-9a-f]+, with 0 more$/m,
        /^client certificate refused: intermediate missing/m,
      ]
    ) assert.match(steps, step);
  });
}

test("without that setting no step is logged", async () => {
  assert.deepEqual(await readSteps({}), []);
});

test("a handshake that the runtime ends for the client's certificate is told in the log, with its reason", async () => {
  const clientAuth = { caBundle: root.pem };
  await using registry = await startRegistry({ server: "threads = 1", clientAuth, config: ADMIN_ONLY });
  const extensions = [{ identifier: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }];
  const { answer } = await exchange(registry, GET, {
    shows: showing(makeClient(root, { subject: "admin", extensions })),
  });
  assert.equal(answer, undefined);
  // The words are the runtime's, which knows of few reasons.
  const { level, peer, reason } = await waitForLogEntry(
    registry,
    "the handshake",
    (entry) => entry.message === "handshake failed" ? entry : undefined,
  );
  assert.deepEqual({ level, peer, reason }, {
    level: "info",
    peer: "127.0.0.1",
    reason: "unable to get issuer certificate",
  });
  assert.equal(classOf(new Error(reason)), "bad_certificate", "as the metrics count it");
});
