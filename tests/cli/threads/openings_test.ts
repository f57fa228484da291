/** Which thread listens where. */
import assert from "node:assert/strict";
import { planOpenings } from "../../../src/cli/threads/openings.ts";
import type { ListenerSettings } from "../../../src/config/settings.ts";
import { listenerAt } from "../../config/listening_at.ts";

const OUTSIDE: ListenerSettings = { ...listenerAt("::1", 443), name: "outside" };
const PROXY: ListenerSettings = {
  ...listenerAt("", 0),
  name: "proxy",
  at: { kind: "unix", path: "/run/r.sock", mode: 0o660 },
};
const OWN = listenerAt("127.0.0.1", 5000);

/** A text for each thread, such as "outside:443 proxy:/run/r.sock". */
function plan(...args: Parameters<typeof planOpenings>): string[] {
  return planOpenings(...args).map((openings) =>
    openings.map(({ listener, at }) => {
      const where = at.kind === "tcp" ? at.port : at.kind === "unix" ? at.path : `fd${at.fd}`;
      return `${listener.name}:${where}`;
    }).join(" ")
  );
}

Deno.test("all threads share a port, and one of them has the unix socket", () => {
  assert.deepEqual(plan([OUTSIDE, PROXY], [], 3), [
    "outside:443 proxy:/run/r.sock",
    "outside:443",
    "outside:443",
  ]);
});

Deno.test("no thread begins that would have nothing to listen on", () => {
  assert.deepEqual(plan([PROXY], [], 4), ["proxy:/run/r.sock"]);
  assert.deepEqual(plan([OWN], [{ fd: 3, name: "unknown" }], 4), [":fd3"]);
});

Deno.test("sockets that were handed over are dealt out to the threads, in place of the address", () => {
  const sockets = [3, 4, 5].map((fd) => ({ fd, name: "registry" }));
  assert.deepEqual(plan([OWN], sockets, 2), [":fd3 :fd5", ":fd4"]);
  const named = [{ fd: 3, name: "proxy" }, { fd: 4, name: "outside" }, { fd: 5, name: "outside" }];
  assert.deepEqual(plan([OUTSIDE, PROXY], named, 2), ["outside:fd4 proxy:fd3", "outside:fd5"]);
  assert.deepEqual(plan([OUTSIDE, PROXY], [{ fd: 3, name: "proxy" }], 2), [
    "outside:443 proxy:fd3",
    "outside:443",
  ]);
});

Deno.test("a socket that no listener is named like is refused, for somebody thinks that it is served", () => {
  assert.throws(() => plan([OUTSIDE, PROXY], [{ fd: 3, name: "web" }], 2), {
    name: "UnknownSocket",
    message:
      'A socket named "web" was handed over, and there is no [server.listener.web]: write FileDescriptorName= ' +
      "with the name of a listener into its socket unit",
  });
});
