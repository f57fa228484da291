/** Failed handshakes are told, and cannot fill the log. */
import assert from "node:assert/strict";
import type { Log, LogFields } from "../../src/ports/log.ts";
import { HandshakeFaults } from "../../src/server/handshake_faults.ts";

function setUp() {
  const [info, debug]: [LogFields[], LogFields[]] = [[], []];
  const log: Log = {
    debug: (_message, fields) => void debug.push(fields!),
    info: (_message, fields) => void info.push(fields!),
    warn() {},
    error() {},
  };
  const clock = { now: 0 };
  return { info, debug, clock, faults: new HandshakeFaults(log, () => clock.now) };
}

Deno.test("a failed handshake is told with the peer and the runtime's reason", () => {
  const { faults, info } = setUp();
  faults.tell("192.0.2.1", new Error("invalid peer certificate: UnhandledCriticalExtension"));
  assert.deepEqual(info, [{
    peer: "192.0.2.1",
    reason: "invalid peer certificate: UnhandledCriticalExtension",
  }]);
});

Deno.test("ten lines a minute are written, and the next minute says how many were not", () => {
  const { faults, info, clock } = setUp();
  for (let i = 0; i < 1000; i++) faults.tell("192.0.2.1", new Error("no"));
  assert.equal(info.length, 10);
  clock.now = 60_000;
  faults.tell("192.0.2.2", new Error("no"));
  faults.tell("192.0.2.2", new Error("no"));
  assert.deepEqual(info.slice(10), [
    { peer: "192.0.2.2", reason: "no", others_not_told: 990 },
    { peer: "192.0.2.2", reason: "no" },
  ]);
});

Deno.test("a client that goes away in the handshake is for the debug level only", () => {
  const { faults, info, debug } = setUp();
  faults.tell("192.0.2.1", Object.assign(new Error("gone"), { code: "ECONNRESET" }));
  assert.deepEqual([info, debug.length], [[], 1]);
});
