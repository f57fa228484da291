/** Decisions of a webhook, over a real connection. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { Webhook } from "../../src/auth/webhook.ts";
import type { WebhookTarget } from "../../src/auth/webhook_client.ts";
import type { Caller } from "../../src/core/caller.ts";
import { parseDigest } from "../../src/core/digest.ts";
import type { Operation } from "../../src/core/operation.ts";
import { parseReference } from "../../src/core/reference.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { parseTag } from "../../src/core/tag.ts";
import { inTries } from "../harness/tries.ts";
import { makeModelRegistry, SOME_CALLER } from "../model/model_registry.ts";
import { WebhookServer } from "./webhook_server.ts";

const CATALOG: Operation = { action: "list-catalog" };
const APP = parseRepositoryName("app");
const DIGEST = parseDigest(`sha256:${"0".repeat(64)}`);

function setUp(target: WebhookTarget) {
  const { lines, log } = makeModelRegistry();
  const clock = { now: 0 };
  const webhook = new Webhook(target, log, () => clock.now);
  return { webhook, lines, clock, [Symbol.dispose]: () => webhook.close() };
}

function callerFrom(clientIp: string): Caller {
  return { ...SOME_CALLER, identity: { ...SOME_CALLER.identity, clientIp } };
}

/** A TCP server that does one thing to everybody who connects. */
async function listen(meet: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    meet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

Deno.test("any 2xx allows, 401 and 403 forbid, and each answer holds for its time", async () => {
  await using server = await WebhookServer.start();
  for (
    const [status, allowed] of [[200, true], [204, true], [299, true], [401, false], [403, false]] as const
  ) {
    using trial = setUp(server.target());
    server.asked.length = 0;
    server.answer = (response) => response.writeHead(status).end();
    for (const [now, asked] of [[0, 1], [59_999, 1], [60_000, 2], [60_001, 2]] as const) {
      trial.clock.now = now;
      assert.deepEqual(await trial.webhook.decide(SOME_CALLER, CATALOG), {
        allowed,
        reason: `the authorization webhook ${allowed ? "allows" : "forbids"} it`,
        decidedBy: "webhook guard",
      });
      assert.equal(server.asked.length, asked, `${status} at ${now}`);
    }
    assert.deepEqual(trial.lines, []);
  }
});

Deno.test("any other answer denies this once, and is logged", async () => {
  await using server = await WebhookServer.start();
  using trial = setUp(server.target());
  const statuses = [300, 301, 302, 307, 400, 402, 404, 407, 429, 500, 503];
  for (const status of statuses) {
    // Whoever followed it would ask a second time.
    server.answer = (response) => response.writeHead(status, { location: server.url }).end();
    const verdict = await trial.webhook.decide(SOME_CALLER, CATALOG);
    assert.deepEqual(verdict, {
      allowed: false,
      reason: "the authorization webhook could not be asked",
      decidedBy: "webhook guard",
    });
  }
  assert.equal(server.asked.length, statuses.length);
  assert.deepEqual(trial.lines.map(({ level, fields }) => [level, fields]), [
    ...statuses.map((status) => ["error", { webhook: "guard", status }]),
  ]);
  server.answer = (response) => response.end();
  assert.equal((await trial.webhook.decide(SOME_CALLER, CATALOG)).allowed, true);
});

Deno.test(
  "a webhook that is not there, hangs, breaks off or talks nonsense denies, and nothing is remembered",
  inTries(async () => {
    await using server = await WebhookServer.start();
    await using nonsense = await listen((socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n\r\n"));
    await using upgrade = await listen((socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    });
    const dead = await listen(() => {});
    await dead[Symbol.asyncDispose]();
    const targets: [what: string, target: WebhookTarget, answer?: WebhookServer["answer"]][] = [
      ["not there", server.target({ url: dead.url })],
      ["no such name", server.target({ url: "http://name.invalid/", timeoutMs: 1000 })],
      ["hangs", server.target({ timeoutMs: 200 }), () => {}],
      [
        "half a head",
        server.target({ timeoutMs: 200 }),
        (response) => response.socket!.write("HTTP/1.1 200 OK\r\nx: "),
      ],
      ["breaks off", server.target(), (response) => response.socket!.destroy()],
      ["nonsense", server.target({ url: nonsense.url })],
      ["upgrade", server.target({ url: upgrade.url, timeoutMs: 1000 })],
      ["speaks no TLS", server.target({ url: server.url.replace("http:", "https:"), serverCa: "" })],
    ];
    const welcome = server.answer;
    for (const [what, target, answer] of targets) {
      server.answer = answer ?? welcome;
      using trial = setUp(target);
      for (let i = 0; i < 2; i++) {
        const started = performance.now();
        const { allowed, reason } = await trial.webhook.decide(SOME_CALLER, CATALOG);
        assert.deepEqual([allowed, reason], [false, "the authorization webhook could not be asked"], what);
        assert.ok(performance.now() - started < 4000, what);
      }
      assert.equal(trial.lines.length, 2, what);
      assert.ok(trial.lines[0]!.fields!["error"] instanceof Error, what);
    }
  }),
);

Deno.test(
  "a webhook that does not answer three times in a row is left alone for a second, and denies meanwhile",
  inTries(async () => {
    await using server = await WebhookServer.start();
    using trial = setUp(server.target({ timeoutMs: 300, cacheTtlMs: 0 }));
    const ask = async (repository: string) => {
      const name = parseRepositoryName(repository);
      const { allowed } = await trial.webhook.decide(SOME_CALLER, { action: "list-tags", repository: name });
      return allowed;
    };
    server.answer = () => {};
    assert.deepEqual([await ask("a"), await ask("b")], [false, false]);
    server.answer = (response) => response.end();
    assert.equal(await ask("c"), true, "two are no reason");
    server.answer = () => {};
    // What a catalog of many repositories does.
    for (let number = 0; number < 1000; number++) assert.equal(await ask(`app${number}`), false);
    assert.equal(trial.lines.length, 5, "the log has a line for each question that was asked");
    // A connection that breaks when it is used again has its question asked once more.
    assert.ok(server.asked.length <= 2 * 6, `${server.asked.length} questions`);
    server.answer = (response) => response.end();
    trial.clock.now = 999;
    assert.equal(await ask("d"), false);
    trial.clock.now = 1000;
    assert.deepEqual([await ask("d"), await ask("e")], [true, true]);
  }),
);

Deno.test("equal questions at one time are asked once, different ones apart", async () => {
  await using server = await WebhookServer.start();
  using trial = setUp(server.target({ cacheTtlMs: 0 }));
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  server.answer = async (response) => {
    if (server.asked.length === 2) arrived.resolve();
    await gate.promise;
    response.end();
  };
  const decisions = Array.from(
    { length: 20 },
    (_, i) => trial.webhook.decide(callerFrom(`192.0.2.${i % 2}`), CATALOG),
  );
  await arrived.promise;
  gate.resolve();
  for (const { allowed } of await Promise.all(decisions)) assert.equal(allowed, true);
  assert.equal(server.asked.length, 2);
  await trial.webhook.decide(callerFrom("192.0.2.0"), CATALOG);
  assert.equal(server.asked.length, 3, "a time of 0 remembers nothing");
});

Deno.test("an answer holds for the same request of the same caller only", async () => {
  await using server = await WebhookServer.start();
  using trial = setUp(server.target({ forwardHeaders: ["x-team"] }));
  const vary = (change: Partial<Caller["identity"]>, request: Partial<Caller["request"]> = {}): Caller => ({
    identity: { ...SOME_CALLER.identity, ...change },
    request: { ...SOME_CALLER.request, ...request },
  });
  const callers = [
    SOME_CALLER,
    vary({ clientIp: "192.0.2.2" }),
    vary({ id: "a", username: "b" }),
    vary({ id: "b", username: "a" }),
    vary({}, { method: "HEAD" }),
    vary({}, { target: "/other" }),
    vary({}, { scheme: "https" }),
    vary({}, { host: "other" }),
    vary({}, { headerValues: () => ["red"] }),
    vary({}, { headerValues: () => ["red", "blue"] }),
    vary({}, { headerValues: () => ["red, blue"] }),
  ];
  for (let round = 0; round < 2; round++) {
    for (const caller of callers) await trial.webhook.decide(caller, CATALOG);
    assert.equal(server.asked.length, callers.length);
  }
  await trial.webhook.decide(SOME_CALLER, { action: "get-api-version" });
  assert.equal(server.asked.length, callers.length + 1);
});

Deno.test("a push that moves several tags has to be allowed for each of them", async () => {
  await using server = await WebhookServer.start();
  const referenceOf = (headers: WebhookServer["asked"][number]["headers"]) =>
    headers.find(([name]) => name === "x-registry-reference")?.[1];
  let forbidden = "";
  server.answer = (response) => {
    response.writeHead(referenceOf(server.asked.at(-1)!.headers) === forbidden ? 403 : 200).end();
  };
  const push: Operation = {
    action: "put-manifest",
    repository: APP,
    reference: parseReference(DIGEST),
    tags: ["v1", "latest", "v2"].map(parseTag),
  };
  for (const [refused, asked] of [["", 4], [DIGEST, 1], ["latest", 3], ["v2", 4]] as const) {
    using trial = setUp(server.target());
    forbidden = refused;
    server.asked.length = 0;
    assert.equal((await trial.webhook.decide(SOME_CALLER, push)).allowed, refused === "");
    const references = server.asked.map(({ headers }) => referenceOf(headers));
    assert.deepEqual(references, [DIGEST, "v1", "latest", "v2"].slice(0, asked));
  }
  using trial = setUp(server.target());
  server.asked.length = 0;
  const byTag: Operation = { ...push, reference: parseReference("v1"), tags: [parseTag("v1")] };
  await trial.webhook.decide(SOME_CALLER, byTag);
  assert.equal(server.asked.length, 1);
});

Deno.test("what cannot be described to the webhook is denied", async () => {
  await using server = await WebhookServer.start();
  using trial = setUp(server.target());
  const caller = { ...SOME_CALLER, identity: { ...SOME_CALLER.identity, username: "a\nb" } };
  assert.equal((await trial.webhook.decide(caller, CATALOG)).allowed, false);
  assert.deepEqual([server.asked.length, trial.lines.length], [0, 1]);
});

Deno.test("the memory of answers is bounded, the oldest goes first", async () => {
  await using server = await WebhookServer.start();
  using trial = setUp(server.target());
  const most = 10_000;
  const first = callerFrom("first");
  await trial.webhook.decide(first, CATALOG);
  for (let i = 0; i < most; i += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, k) => trial.webhook.decide(callerFrom(`${i + k}`), CATALOG)),
    );
  }
  assert.equal(server.asked.length, most + 1);
  await trial.webhook.decide(callerFrom(`${most - 1}`), CATALOG);
  assert.equal(server.asked.length, most + 1);
  await trial.webhook.decide(first, CATALOG);
  assert.equal(server.asked.length, most + 2);
});
