/** `global.trusted_proxies`: addresses and networks. */
import assert from "node:assert/strict";
import { parseNetwork } from "../../src/config/parse_network.ts";
import { load, problemsOf } from "./load_text.ts";

for (
  const [text, address, prefixLength] of [
    ["10.0.0.1", "10.0.0.1", 32],
    ["10.0.0.0/8", "10.0.0.0", 8],
    ["10.1.2.3/8", "10.1.2.3", 8],
    ["0.0.0.0/0", "0.0.0.0", 0],
    ["::1", "::1", 128],
    ["fd00::/8", "fd00::", 8],
    ["2001:DB8::/032", "2001:DB8::", 32],
  ] as const
) {
  Deno.test(`parseNetwork() reads ${text}`, () => {
    assert.deepEqual(parseNetwork(text), { address, prefixLength });
  });
}

for (
  const text of [
    "",
    "10.0.0",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "/8",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "proxy",
    "fe80::1%eth0",
    " ::1",
    "010.0.0.1",
  ]
) {
  Deno.test(`parseNetwork() refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseNetwork(text), undefined);
  });
}

Deno.test("loadConfig() reads the proxies, and refuses what is none at its own line", () => {
  assert.deepEqual(load('global.trusted_proxies = ["::1", "10.0.0.0/8"]').global.trustedProxies, [
    { address: "::1", prefixLength: 128 },
    { address: "10.0.0.0", prefixLength: 8 },
  ]);
  const expected = 'expected an IP address or a network such as "10.0.0.1", "10.0.0.0/8" or "fd00::/8", ' +
    'or "unix" for those that come by a unix socket';
  assert.deepEqual(problemsOf('global.trusted_proxies = [\n  "::1",\n  "proxy",\n  true,\n]'), [
    `config.toml:3: global.trusted_proxies: ${expected}, got the text "proxy"`,
    `config.toml:4: global.trusted_proxies: ${expected}, got true`,
  ]);
  assert.deepEqual(problemsOf('global.trusted_proxies = "10.0.0.0/8"'), [
    "config.toml:1: global.trusted_proxies: expected a list of addresses and networks such as " +
    '["10.0.0.1", "fd00::/8"], got the text "10.0.0.0/8"',
  ]);
});
