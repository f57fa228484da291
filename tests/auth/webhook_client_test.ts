/** Connections to a webhook: kept, bounded, and proven to it. */
import assert from "node:assert/strict";
import { WebhookClient, type WebhookTarget } from "../../src/auth/webhook_client.ts";
import { issueCertificate } from "../harness/certificates.ts";
import { inTries } from "../harness/tries.ts";
import { WebhookServer } from "./webhook_server.ts";

const ca = issueCertificate({ commonName: "Webhook CA", isAuthority: true });
const otherCa = issueCertificate({ commonName: "Other CA", isAuthority: true });
const server = issueCertificate({
  commonName: "localhost",
  issuer: ca,
  dnsNames: ["localhost"],
  purposes: ["serverAuth"],
});
const SERVER = { certificate: server.certificatePem, privateKey: server.keyPem };

function clientOf(issuer: typeof ca) {
  const { certificatePem, keyPem } = issueCertificate({
    commonName: "registry",
    issuer,
    purposes: ["clientAuth"],
  });
  return { certificate: certificatePem, privateKey: keyPem };
}

function connect(target: WebhookTarget) {
  const client = new WebhookClient(target);
  return { ask: (headers = {}) => client.ask(headers), [Symbol.dispose]: () => client.close() };
}

Deno.test("every value of a header arrives as a field of its own, in the bytes that were given", async () => {
  await using webhook = await WebhookServer.start();
  using client = connect(webhook.target({ url: `${webhook.url}?a=b` }));
  const headers = { "x-registry-certificate-cn": ["alice, admin", "b\u00c3\u00b6b"], "x-one": ["1"] };
  assert.equal(await client.ask(headers), 200);
  const [{ method, url, headers: arrived }] = webhook.asked as [WebhookServer["asked"][number]];
  assert.deepEqual([method, url], ["GET", "/check?a=b"]);
  assert.deepEqual(arrived.filter(([name]) => name.startsWith("x-")), [
    ["x-registry-certificate-cn", "alice, admin"],
    ["x-registry-certificate-cn", "b\u00c3\u00b6b"],
    ["x-one", "1"],
  ]);
  assert.deepEqual(arrived.filter(([name]) => name === "authorization"), []);
});

Deno.test("the registry's own credential goes along, whatever the client's headers say", async () => {
  await using webhook = await WebhookServer.start();
  for (const authorization of ["Bearer abc", "Basic dTpw"]) {
    using client = connect(webhook.target({ authorization }));
    await client.ask({ authorization: ["Bearer of-the-client"] });
    const { headers } = webhook.asked.at(-1)!;
    assert.deepEqual(headers.filter(([name]) => name === "authorization"), [[
      "authorization",
      authorization,
    ]]);
  }
});

Deno.test("the body is ignored and the connection used again", async () => {
  await using webhook = await WebhookServer.start();
  for (const body of ["", "deny", "x".repeat(60_000)]) {
    using client = connect(webhook.target());
    webhook.answer = (response) => response.end(body);
    let [made, tries] = [-1, 0];
    // The end of a body is read after its status was given, so not every next question finds the connection free.
    for (; made !== webhook.connections && tries < 100; tries++) {
      made = webhook.connections;
      assert.equal(await client.ask(), 200);
    }
    assert.ok(tries < 100, `no connection was used again in ${tries} tries`);
  }
});

Deno.test("a body that is huge costs its connection and nothing else", async () => {
  await using webhook = await WebhookServer.start();
  using client = connect(webhook.target({ timeoutMs: 60_000 }));
  const closed = Promise.withResolvers<void>();
  webhook.answer = (response) => {
    response.socket!.on("close", () => closed.resolve());
    const send = (): void => {
      while (!response.destroyed && response.write(new Uint8Array(65_536)));
    };
    response.on("drain", send);
    send();
  };
  const started = performance.now();
  assert.equal(await client.ask(), 200);
  await closed.promise;
  assert.ok(performance.now() - started < 30_000, "it is not read for as long as it may take");
  webhook.answer = (response) => response.end();
  assert.equal(await client.ask(), 200);
});

Deno.test(
  "a body that never ends keeps its connection no longer than an answer may take",
  inTries(async () => {
    await using webhook = await WebhookServer.start();
    using client = connect(webhook.target({ timeoutMs: 300 }));
    const closed = Promise.withResolvers<void>();
    webhook.answer = (response) => {
      response.socket!.on("close", () => closed.resolve());
      response.write("a little, and then nothing");
    };
    assert.equal(await client.ask(), 200);
    await closed.promise;
  }),
);

Deno.test("a connection that the webhook closed while it was idle is replaced", async () => {
  await using webhook = await WebhookServer.start();
  using client = connect(webhook.target());
  const seen = new WeakSet<object>();
  let cut = 0;
  // Closes at the very moment when the next question arrives, as a webhook with an idle timeout does.
  webhook.answer = (response) => {
    const socket = response.socket!;
    if (!seen.has(socket)) response.end();
    else {
      cut++;
      socket.destroy();
    }
    seen.add(socket);
  };
  for (let round = 0; cut < 10 && round < 100; round++) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.ask()));
    assert.deepEqual(answers, [200, 200, 200, 200, 200]);
  }
  assert.ok(cut >= 10, `${cut} connections were used again`);
  // On a new connection it is the webhook's fault.
  webhook.answer = (response) => response.socket!.destroy();
  webhook.asked.length = 0;
  using fresh = connect(webhook.target());
  await assert.rejects(fresh.ask());
  assert.equal(webhook.asked.length, 1);
});

Deno.test(
  "a webhook that hangs gets no more than 64 connections at a time, and every question its time",
  inTries(async () => {
    await using webhook = await WebhookServer.start();
    using client = connect(webhook.target({ timeoutMs: 300 }));
    webhook.answer = () => {};
    const answers = await Promise.allSettled(Array.from({ length: 200 }, () => client.ask()));
    for (const answer of answers) {
      assert.ok(answer.status === "rejected");
      assert.match(answer.reason.message, /no answer within 300 ms/);
    }
    // Some that waited get the connections of those whose time is over first.
    assert.ok(webhook.connections <= 2 * 64, `${webhook.connections}`);
    webhook.answer = (response) => response.end();
    assert.equal(await client.ask(), 200);
  }),
);

Deno.test("a question whose time is over is not asked once more, where nobody waits for it and nothing ends it", async () => {
  await using webhook = await WebhookServer.start();
  using client = connect(webhook.target({ timeoutMs: 1000 }));
  let made = -1;
  // Until a connection is used again: the end of an answer is read after its status was given.
  while (made !== webhook.connections) {
    made = webhook.connections;
    assert.equal(await client.ask(), 200);
  }
  const closed = Promise.withResolvers<void>();
  webhook.answer = (response) => response.socket!.on("close", () => closed.resolve());
  webhook.asked.length = 0;
  await assert.rejects(client.ask(), /no answer within 1000 ms/);
  await closed.promise;
  webhook.answer = (response) => response.end();
  assert.equal(await client.ask(), 200);
  assert.equal(webhook.asked.length, 2, "the one whose time was over, and the last");
});

Deno.test("https is spoken with servers of the named CAs and name only", async () => {
  await using webhook = await WebhookServer.start(SERVER);
  const cases: [change: Partial<WebhookTarget>, fits: boolean][] = [
    [{ serverCa: ca.certificatePem }, true],
    [{ serverCa: otherCa.certificatePem + ca.certificatePem }, true],
    [{ serverCa: otherCa.certificatePem }, false],
    [{ serverCa: ca.certificatePem, url: webhook.url.replace("localhost", "127.0.0.1") }, false],
  ];
  for (const [change, fits] of cases) {
    using client = connect(webhook.target(change));
    webhook.asked.length = 0;
    if (fits) assert.equal(await client.ask(), 200);
    else await assert.rejects(client.ask());
    assert.equal(webhook.asked.length, fits ? 1 : 0, "nothing is sent to a stranger");
  }
});

Deno.test("the environment cannot switch the check of the server off", async () => {
  await using webhook = await WebhookServer.start(SERVER);
  Deno.env.set("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  try {
    using client = connect(webhook.target({ serverCa: otherCa.certificatePem }));
    await assert.rejects(client.ask());
  } finally {
    Deno.env.delete("NODE_TLS_REJECT_UNAUTHORIZED");
  }
  assert.equal(webhook.asked.length, 0);
});

Deno.test("the registry proves itself to the webhook with its client certificate", async () => {
  await using webhook = await WebhookServer.start({ ...SERVER, clientCa: ca.certificatePem });
  const serverCa = ca.certificatePem;
  using good = connect(webhook.target({ serverCa, clientCertificate: clientOf(ca) }));
  for (let i = 0; i < 2; i++) assert.equal(await good.ask(), 200);
  assert.deepEqual(webhook.asked.map(({ clientName }) => clientName), ["registry", "registry"]);
  for (const clientCertificate of [undefined, clientOf(otherCa)]) {
    using bad = connect(webhook.target({ serverCa, clientCertificate }));
    await assert.rejects(bad.ask());
  }
  assert.equal(webhook.asked.length, 2);
});
