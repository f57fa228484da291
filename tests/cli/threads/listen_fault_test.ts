/** Why an address cannot be listened on, in words. */
import assert from "node:assert/strict";
import { describeListenFault } from "../../../src/cli/threads/listen_fault.ts";

Deno.test("describeListenFault() names the address and what to do, in the words of node and of Deno", () => {
  for (
    const reason of [
      "listen EADDRINUSE: address already in use 127.0.0.1:5000",
      "Address already in use (os error 98)",
    ]
  ) {
    assert.equal(
      describeListenFault(reason, { kind: "tcp", host: "127.0.0.1", port: 5000 }),
      "Cannot listen at 127.0.0.1:5000: another program listens there. Stop it, or choose another [server] port",
    );
  }
  for (
    const reason of [
      "listen EADDRNOTAVAIL: address not available",
      "Cannot assign requested address (os error 99)",
    ]
  ) {
    assert.equal(
      describeListenFault(reason, { kind: "tcp", host: "192.0.2.1", port: 5000 }),
      "Cannot listen at 192.0.2.1:5000: this machine has no such address. Choose another [server] bind_address",
    );
  }
  for (const reason of ["listen EACCES: permission denied", "Permission denied (os error 13)"]) {
    assert.match(
      describeListenFault(reason, { kind: "tcp", host: "::1", port: 443 }),
      /^Cannot listen at \[::1\]:443: the system does not let this user\. Ports below 1024 need CAP_NET_BIND_SERVICE/,
    );
  }
});

Deno.test("describeListenFault() passes on what it does not know", () => {
  assert.equal(
    describeListenFault("the moon is full", { kind: "tcp", host: "::", port: 1 }),
    "Cannot listen at [::]:1: the moon is full",
  );
});

Deno.test("describeListenFault() tells of unix sockets by their path", () => {
  const at = { kind: "unix", path: "/run/registry.sock", mode: 0o660 } as const;
  assert.equal(
    describeListenFault("EADDRINUSE", at),
    "Cannot listen at /run/registry.sock: another program listens there. Stop it, or choose another path",
  );
  assert.match(
    describeListenFault("No such file or directory (os error 2)", at),
    /its folder does not exist\. Make it/,
  );
});
