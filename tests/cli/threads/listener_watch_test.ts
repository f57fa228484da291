/** The server's looks at its own listeners are nobody's requests: no line of the log and no count tells of them. */
import assert from "node:assert/strict";
import { ListenerWatch } from "../../../src/cli/threads/listener_watch.ts";
import { until } from "../../harness/until.ts";
import { testBoth, TestServer } from "../../server/test_server.ts";

/** Lets connections through to a port of this machine, and counts those that the other side has ended. */
class CountingRelay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #under: Promise<void>[] = [];
  readonly port = this.#listener.addr.port;
  readonly #accepting: Promise<void>;
  ended = 0;

  constructor(to: number) {
    this.#accepting = this.#accept(to);
  }

  async #accept(to: number): Promise<void> {
    for await (const client of this.#listener) this.#under.push(this.#pass(client, to));
  }

  async #pass(client: Deno.TcpConn, to: number): Promise<void> {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: to });
    const there = client.readable.pipeTo(server.writable).catch(() => {});
    await server.readable.pipeTo(client.writable).catch(() => {});
    this.ended++;
    await there;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting.catch(() => {});
    await Promise.all(this.#under);
  }
}

testBoth("a look at a listener is answered at once, and neither logged nor counted", async (secure) => {
  await using server = await TestServer.start({ secure });
  await using relay = new CountingRelay(server.port);
  const silences: string[] = [];
  const watch = new ListenerWatch({
    at: { kind: "tcp", host: "127.0.0.1", port: relay.port },
    secure,
    probes: 2,
    everyMs: 10,
    patienceMs: 5000,
    onSilence: () => silences.push("once"),
    onLastingSilence: () => silences.push("for longer"),
  });
  await until(() => relay.ended >= 6);
  watch.stop();
  assert.deepEqual(silences, []);
  assert.deepEqual(server.log.records, []);
  const counted = [...server.metrics.read().keys()];
  assert.ok(counted.includes("connections_open"), "something is counted");
  assert.deepEqual(counted.filter((name) => /broken|failures/.test(name)), []);
});
