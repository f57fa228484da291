import assert from "node:assert/strict";
import { ClientAddress, type TrustedNetwork } from "../../src/auth/client_address.ts";
import { parseNetwork } from "../../src/config/parse_network.ts";

function trusting(...networks: string[]): ClientAddress {
  return new ClientAddress(networks.map((text): TrustedNetwork => parseNetwork(text)!));
}

Deno.test("X-Forwarded-For of a peer that is not trusted is ignored", () => {
  for (const addresses of [trusting(), trusting("10.0.0.0/8", "fd00::/8")]) {
    for (const peer of ["192.0.2.1", "2001:db8::1", "unknown", ""]) {
      assert.equal(addresses.find(peer, ["203.0.113.9"]), peer);
      assert.equal(addresses.find(peer, ["10.0.0.1, 10.0.0.2"]), peer);
      assert.equal(addresses.find(peer, []), peer);
    }
  }
});

Deno.test("the chain of proxies is walked from its end, as far as it is trusted", () => {
  const addresses = trusting("10.0.0.0/8");
  const cases: [forwardedFor: string[], client: string][] = [
    [[], "10.0.0.1"],
    [[""], "10.0.0.1"],
    [["203.0.113.9"], "203.0.113.9"],
    [["198.51.100.1, 203.0.113.9"], "203.0.113.9"],
    [["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"],
    [["10.9.9.9, 203.0.113.9, 10.0.0.2,10.0.0.3"], "203.0.113.9"],
    [["10.0.0.5, 10.0.0.4"], "10.0.0.5"],
    // A header that was sent twice is one list.
    [["198.51.100.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"],
    [["203.0.113.9", "10.0.0.2, 10.0.0.3"], "203.0.113.9"],
  ];
  for (const [forwardedFor, client] of cases) {
    assert.equal(addresses.find("10.0.0.1", forwardedFor), client, `${forwardedFor}`);
  }
});

Deno.test("an entry that is no address ends the walk at the one who wrote it", () => {
  const addresses = trusting("10.0.0.0/8");
  for (
    const garbage of [
      "unknown",
      "_hidden",
      "1.2.3",
      "1.2.3.4.5",
      "256.1.1.1",
      "01.2.3.4",
      "::g",
      "[::1",
      "a:1",
      "-",
    ]
  ) {
    assert.equal(addresses.find("10.0.0.1", [`203.0.113.9, ${garbage}`]), "10.0.0.1");
    assert.equal(addresses.find("10.0.0.1", [`203.0.113.9, ${garbage}, 10.0.0.2`]), "10.0.0.2");
    assert.equal(addresses.find("10.0.0.1", [`${garbage}, 203.0.113.9, 10.0.0.2`]), "203.0.113.9");
  }
  assert.equal(addresses.find("10.0.0.1", ["203.0.113.9, "]), "10.0.0.1");
});

Deno.test("an address has one form, whoever wrote it", () => {
  const addresses = trusting("10.0.0.0/8", "::1");
  const cases: [entry: string, client: string][] = [
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0::0001", "2001:db8::1"],
    ["2001:db8:0000:0:0:0:0:1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["192.0.2.1:4711", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1"],
  ];
  for (const [entry, client] of cases) {
    assert.equal(addresses.find("10.0.0.1", [entry]), client);
    if (!/[[\]]|:\d{4}$/.test(entry)) assert.equal(addresses.find(entry, []), client, "of a peer too");
  }
  assert.equal(
    addresses.find("::ffff:10.0.0.1", ["::FFFF:a00:2", "192.0.2.1, ::ffff:a00:2, ::1"]),
    "192.0.2.1",
  );
});

Deno.test("a network holds what its prefix says, IPv4 also where it is written as IPv6", () => {
  const cases: [network: string, inside: string[], outside: string[]][] = [
    ["10.1.2.3/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.0.0.1"], [
      "9.255.255.255",
      "11.0.0.0",
      "::a00:1",
    ]],
    ["192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]],
    ["192.0.2.6/31", ["192.0.2.6", "192.0.2.7"], ["192.0.2.5", "192.0.2.8"]],
    ["128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::1", "2001:db8::1"]],
    ["::/0", ["::1", "ffff::1"], ["192.0.2.1", "::ffff:192.0.2.1"]],
    ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::1", "2001:db9::1"]],
    ["2001:db8::1", ["2001:db8::1", "2001:DB8:0::1"], ["2001:db8::2"]],
    ["::ffff:10.0.0.0/104", ["10.1.2.3"], ["11.0.0.1"]],
  ];
  for (const [network, inside, outside] of cases) {
    const addresses = trusting(network);
    for (const peer of inside) {
      assert.equal(addresses.find(peer, ["203.0.113.9"]), "203.0.113.9", `${network} ${peer}`);
    }
    for (const peer of outside) {
      assert.notEqual(addresses.find(peer, ["203.0.113.9"]), "203.0.113.9", `${network} ${peer}`);
    }
  }
});

Deno.test("of a chain without end no more than 32 entries are read", () => {
  const addresses = trusting("10.0.0.0/8");
  const chain = (
    hops: number,
  ) => [["203.0.113.9", ...Array.from({ length: hops }, () => "10.0.0.2")].join(",")];
  assert.equal(addresses.find("10.0.0.1", chain(31)), "203.0.113.9");
  assert.equal(addresses.find("10.0.0.1", chain(32)), "10.0.0.2");
  assert.equal(addresses.find("10.0.0.1", chain(100_000)), "10.0.0.2");
});
