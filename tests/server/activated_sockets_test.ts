/** What systemd says of the sockets that it hands over. */
import assert from "node:assert/strict";
import { findActivatedSockets } from "../../src/server/activated_sockets.ts";

const find = (env: Record<string, string>) => findActivatedSockets((name) => env[name], 7);

Deno.test("sockets begin at descriptor 3, in the order of their names", () => {
  assert.deepEqual(find({ LISTEN_FDS: "2", LISTEN_PID: "7", LISTEN_FDNAMES: "outside:inside" }), [
    { fd: 3, name: "outside" },
    { fd: 4, name: "inside" },
  ]);
});

Deno.test("sockets without names are unknown, and those for another process or of no number are none", () => {
  assert.deepEqual(find({ LISTEN_FDS: "1", LISTEN_PID: "7" }), [{ fd: 3, name: "unknown" }]);
  for (
    const env of [{}, { LISTEN_FDS: "1" }, { LISTEN_FDS: "1", LISTEN_PID: "8" }, {
      LISTEN_FDS: "x",
      LISTEN_PID: "7",
    }]
  ) {
    assert.deepEqual(find(env), []);
  }
});
