/** The threads of a server: a dead one is replaced, a dead writer ends everything, the end is orderly. */
import assert from "node:assert/strict";
import { Layout } from "../../../src/storage/files/layout.ts";
import { listenerAt } from "../../config/listening_at.ts";
import { findSample, readPrometheusText } from "../../metrics/prometheus_text.ts";
import { RawClient } from "../../server/raw_client.ts";
import { until } from "../../harness/until.ts";
import { HEALTH, tell, ThreadsUnderTest } from "./threads_under_test.ts";

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Deno.test("all HTTP threads answer on one port, and log through the main thread", async () => {
  await using server = await ThreadsUnderTest.start(2);
  assert.equal(server.threads.alive, 2);
  for (let i = 0; i < 20; i++) assert.equal(await server.ask(), 200);
  await server.stop();
  const lines = server.lines.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.filter(({ message, path }) => message === "request" && path === "/healthz").length, 20);
});

Deno.test("an HTTP thread that dies is replaced on the same port", async () => {
  await using server = await ThreadsUnderTest.start(1, {
    http: new URL("./dying_http_thread.ts", import.meta.url),
  });
  for (let death = 1; death <= 3; death++) {
    using open = await RawClient.connect(server.port);
    await open.send(HEALTH);
    await open.readAnswer();
    tell("end an HTTP thread");
    await until(() => server.log.records.length === death && server.threads.alive === 1);
    await open.readToEnd();
    assert.equal(await server.ask(), 200);
  }
  assert.deepEqual([...new Set(server.log.records.map(({ level, message }) => `${level}: ${message}`))], [
    "error: an HTTP thread ended and is replaced",
  ]);
  assert.match(String(server.log.records[0]!.fields.reason), /ended by a test/);
  assert.deepEqual(server.fatal, []);
});

Deno.test("what dead HTTP threads counted stays counted, and what they measured does not", async () => {
  await using server = await ThreadsUnderTest.start(1, {
    http: new URL("./dying_http_thread.ts", import.meta.url),
  });
  const scrape = async () => readPrometheusText(await server.scrape.read());
  const answered = { operation: "healthz", status: "200" };
  let expected = 0;
  for (let death = 1; death <= 3; death++) {
    using open = await RawClient.connect(server.port);
    await open.send(HEALTH);
    await open.readAnswer();
    expected++;
    await until(async () =>
      findSample(await scrape(), "simple_registry_requests_total", answered) === expected
    );
    assert.ok(findSample(await scrape(), "simple_registry_connections_open")! >= 1);
    tell("end an HTTP thread");
    await open.readToEnd();
    await until(() => server.log.records.length === death && server.threads.alive === 1);
    const families = await scrape();
    assert.equal(findSample(families, "simple_registry_requests_total", answered), expected);
    assert.equal(findSample(families, "simple_registry_http_thread_deaths_total"), death);
    const lags = families.get("simple_registry_event_loop_lag_max_seconds")?.samples ?? [];
    assert.deepEqual(
      lags.filter(({ labels }) => labels.thread!.startsWith("http-1")),
      [],
      "a name beside the first",
    );
  }
});

Deno.test("a process whose HTTP threads die again and again cannot go on", async () => {
  await using server = await ThreadsUnderTest.start(1, {
    http: new URL("./dying_http_thread.ts", import.meta.url),
  });
  for (let death = 1; death <= 6; death++) {
    await until(() => server.threads.alive === 1);
    tell("end an HTTP thread");
    await until(() => server.log.records.length === death);
  }
  assert.match(server.fatal[0]!, /^6 HTTP threads ended within a minute, the last: .*ended by a test/);
});

Deno.test("a process whose HTTP thread cannot be replaced cannot go on", async () => {
  await using server = await ThreadsUnderTest.start(1, {
    http: new URL("./unwilling_http_thread.ts", import.meta.url),
  });
  tell("end an HTTP thread");
  await until(() => server.fatal.length > 0);
  assert.match(server.fatal[0]!, /^6 HTTP threads ended .*EADDRINUSE/);
  assert.equal(server.threads.alive, 0);
});

Deno.test("threads are renewed when one of them accepts no connections, and the others' transfers end", async () => {
  await using server = await ThreadsUnderTest.start(2, {
    http: new URL("./deaf_http_thread.ts", import.meta.url),
  });
  // The first thread is deaf; whoever gets an answer got it from the second.
  let client: RawClient;
  let location: string | undefined;
  do {
    client = await RawClient.connect(server.port);
    await client.send("POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\n\r\n");
    const answer = await Promise.race([client.readAnswer().catch(() => {}), pause(1000)]);
    location = answer?.headers.get("location");
    if (location === undefined) client.close();
  } while (location === undefined);
  await client.send(
    `PATCH ${location} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n`,
  );
  assert.equal((await client.readAnswer()).status, 100);
  await server.log.find(({ message }) => message.startsWith("a listener still accepts no connections"));
  await client.send("abcdef");
  assert.equal((await client.readAnswer()).status, 202);
  client.close();
  // While the deaf one is on its way out, it still gets its part.
  let answered = 0;
  await until(async () => {
    const status = await Promise.race([server.ask().catch(() => {}), pause(1000)]);
    answered = status === 200 ? answered + 1 : 0;
    return answered === 10;
  }, () => "the deaf thread is still there");
  assert.equal(server.threads.alive, 2);
  assert.deepEqual(server.fatal, []);
});

Deno.test("a writer that dies is fatal, and an end after it does not hang", async () => {
  await using server = await ThreadsUnderTest.start(1, {
    writer: new URL("./dying_writer_thread.ts", import.meta.url),
  });
  tell("end the writer thread");
  await until(() => server.fatal.length > 0);
  assert.match(server.fatal[0]!, /^the writer thread ended: .*ended by a test/);
  await assert.rejects(server.stop(), /the writer thread ended/);
});

Deno.test("a writer that cannot open the database fails the start with the reason", async () => {
  await using server = await ThreadsUnderTest.create(1);
  await Deno.writeTextFile(new Layout(server.rootDir).database, "no database ".repeat(1000));
  await assert.rejects(server.threads.start(), /the writer thread ended: .*not a database/);
});

Deno.test("an address that cannot be listened on fails the start with a sentence", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  {
    await using server = await ThreadsUnderTest.create(2, {}, { listeners: [listenerAt("127.0.0.1", port)] });
    await assert.rejects(server.threads.start(), {
      name: "CannotListen",
      message:
        `Cannot listen at 127.0.0.1:${port}: another program listens there. Stop it, or choose another [server] port`,
    });
  }
  for (const port of [0, 54_321]) {
    await using server = await ThreadsUnderTest.create(2, {}, { listeners: [listenerAt("192.0.2.1", port)] });
    await assert.rejects(server.threads.start(), {
      name: "CannotListen",
      message:
        `Cannot listen at 192.0.2.1:${port}: this machine has no such address. Choose another [server] bind_address`,
    });
  }
});

Deno.test("stop() lets a request under way end", async () => {
  await using server = await ThreadsUnderTest.start(2);
  using client = await RawClient.connect(server.port);
  await client.send(`POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\n\r\n`);
  const location = (await client.readAnswer()).headers.get("location")!;
  await client.send(
    `PATCH ${location} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n`,
  );
  assert.equal((await client.readAnswer()).status, 100);
  await client.send("abc");
  using other = await RawClient.connect(server.port);
  const stopped = server.stop();
  await client.send("def");
  const { status, headers } = await client.readAnswer();
  assert.equal(status, 202);
  assert.equal(headers.get("range"), "0-5");
  await stopped;
  await other.readToEnd();
  assert.equal(server.threads.alive, 0);
});
