/** Webhooks are asked by threads that may use the network and nothing else of the machine. */
import assert from "node:assert/strict";
import type { WebhookTarget } from "../../src/auth/webhook_client.ts";
import { NOTHING } from "../../src/cli/threads/no_permissions.ts";
import { issueCertificate } from "../harness/certificates.ts";
import { WebhookServer } from "./webhook_server.ts";

const ca = issueCertificate({ commonName: "Webhook CA", isAuthority: true });
const server = issueCertificate({
  commonName: "localhost",
  issuer: ca,
  dnsNames: ["localhost"],
  purposes: ["serverAuth"],
});
const client = issueCertificate({ commonName: "registry", issuer: ca, purposes: ["clientAuth"] });

/** Permissions of an HTTP thread as src/cli/threads/threads.ts gives them, without its directory. */
const PERMISSIONS = { ...NOTHING, net: true, sys: ["statfs"] } as const;

async function askInThread(target: WebhookTarget): Promise<{ allowed: boolean; errors: string[] }> {
  const thread = new Worker(new URL("./webhook_thread.ts", import.meta.url), {
    type: "module",
    deno: { permissions: PERMISSIONS as unknown as Deno.PermissionOptionsObject },
  });
  try {
    return await new Promise((resolve, reject) => {
      thread.onmessage = ({ data }) => resolve(data);
      thread.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      thread.postMessage(target);
    });
  } finally {
    thread.terminate();
  }
}

Deno.test("a thread that serves clients can ask webhooks over http, https and mutual https", async () => {
  await using plain = await WebhookServer.start();
  await using secure = await WebhookServer.start({
    certificate: server.certificatePem,
    privateKey: server.keyPem,
    clientCa: ca.certificatePem,
  });
  const clientCertificate = { certificate: client.certificatePem, privateKey: client.keyPem };
  const allowed = { allowed: true, errors: [] };
  assert.deepEqual(await askInThread(plain.target()), allowed);
  const target = secure.target({ serverCa: ca.certificatePem, clientCertificate });
  assert.deepEqual(await askInThread(target), allowed);
  assert.deepEqual([plain.asked.length, secure.asked.length], [1, 1]);
});

Deno.test("a webhook behind https without CAs would be denied there, which is why the main thread names them", async () => {
  await using secure = await WebhookServer.start({
    certificate: server.certificatePem,
    privateKey: server.keyPem,
  });
  const { allowed, errors } = await askInThread(secure.target());
  assert.equal(allowed, false);
  assert.match(errors[0]!, /NotCapable/);
  assert.equal(secure.asked.length, 0);
});
