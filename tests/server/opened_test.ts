/** A socket that was handed over is looked at: where it really listens is not for the configuration to say. */
import assert from "node:assert/strict";
import { openedAt, requireLocal } from "../../src/server/opened.ts";

const DESCRIPTOR = { kind: "descriptor", fd: 3 } as const;

Deno.test("a socket that others can reach is refused where only its being out of reach protects the content", () => {
  for (const address of ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1"]) {
    assert.throws(
      () => requireLocal(openedAt(DESCRIPTOR, { address, port: 5000, family: "IPv4" })),
      /^Error: others can reach the socket that was handed over/,
    );
  }
  for (const address of [{ address: "127.0.0.1", port: 5000 }, { address: "::1", port: 1 }, null, "/run/s"]) {
    requireLocal(openedAt(DESCRIPTOR, address));
  }
});

Deno.test("an address of ours is shown as it was written, with the port that the system chose", () => {
  assert.deepEqual(openedAt({ kind: "tcp", host: "::1", port: 0 }, { address: "::1", port: 4711 }), {
    kind: "tcp",
    host: "::1",
    port: 4711,
  });
});
