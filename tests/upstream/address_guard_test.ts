import assert from "node:assert/strict";
import { AddressGuard } from "../../src/upstream/address_guard.ts";
import { UpstreamFault } from "../../src/core/upstream_fault.ts";

const guard = new AddressGuard([]);

const LOCAL = [
  ["127.0.0.1", "loopback"],
  ["127.8.8.8", "loopback"],
  ["0.0.0.0", "this machine"],
  ["::", "this machine"],
  ["::1", "loopback"],
  ["169.254.169.254", "metadata of most clouds"],
  ["100.100.100.200", "metadata of Alibaba Cloud"],
  ["192.0.0.192", "metadata of Oracle Cloud"],
  ["fd00:ec2::254", "metadata of Amazon"],
  ["fd20:ce::254", "metadata of Google"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with a zone"],
  ["ff02::1", "a group"],
  ["224.0.0.1", "a group"],
  ["255.255.255.255", "everybody"],
  ["::ffff:127.0.0.1", "loopback, mapped"],
  ["::ffff:a9fe:a9fe", "metadata, mapped in hexadecimal"],
  ["::127.0.0.1", "loopback, in the form that is compatible with IPv4"],
  ["64:ff9b::a9fe:a9fe", "metadata through NAT64"],
  ["2002:7f00:1::", "loopback through 6to4"],
] as const;

for (const [address, what] of LOCAL) {
  Deno.test(`${address} (${what}) is not asked, whoever names it`, () => {
    assert.equal(guard.mayAsk(address, true), false);
    assert.equal(guard.mayAsk(address, false), false);
  });
}

for (const address of ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"]) {
  Deno.test(`${address} of a private network is asked where the configuration names the host, and not where the upstream leads there`, () => {
    assert.equal(guard.mayAsk(address, true), true);
    assert.equal(guard.mayAsk(address, false), false);
  });
}

for (const address of ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]) {
  Deno.test(`${address} is public and is asked`, () => {
    assert.equal(guard.mayAsk(address, true), true);
    assert.equal(guard.mayAsk(address, false), true);
  });
}

Deno.test("what is listed is asked: an address, a network, and their mapped forms", () => {
  const listing = new AddressGuard([
    { address: "127.0.0.1", prefixLength: 32 },
    { address: "10.0.0.0", prefixLength: 8 },
    { address: "fd00::", prefixLength: 8 },
  ]);
  for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "10.9.9.9", "fd12::1"]) {
    assert.equal(listing.mayAsk(address, false), true, address);
  }
  for (const address of ["127.0.0.2", "192.168.1.1", "fe80::1"]) {
    assert.equal(listing.mayAsk(address, false), false, address);
  }
});

Deno.test("of several addresses of a host those are asked that may be", () => {
  assert.deepEqual(guard.require("h", ["127.0.0.1", "8.8.8.8"], true), ["8.8.8.8"]);
});

Deno.test("a host with no address that may be asked is refused with its addresses and with what to do", () => {
  assert.throws(
    () => guard.require("internal.example", ["10.0.0.1", "::1"], false),
    (fault) =>
      fault instanceof UpstreamFault && fault.kind === "unsafe" &&
      /"internal\.example" is at 10\.0\.0\.1, ::1.*allowed_addresses/.test(fault.message),
  );
});
