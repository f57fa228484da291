import assert from "node:assert/strict";
import { isTrustedRealm } from "../../src/upstream/realm_trust.ts";

const trusted = (realm: string, upstream: string, ...listed: string[]) =>
  isTrustedRealm(new URL(realm), new URL(upstream), listed);

const TRUSTED = [
  ["https://auth.docker.io/token", "https://registry-1.docker.io", "Docker Hub's"],
  ["https://ghcr.io/token", "https://ghcr.io", "one of the same origin"],
  ["https://gitlab.com/jwt/auth", "https://registry.gitlab.com", "one at the site's bare name"],
  [
    "https://registry.example.com:5001/auth",
    "https://registry.example.com:5000",
    "another port of the same host",
  ],
  ["https://auth.example.co.uk/token", "https://registry.example.co.uk", "one of a site below co.uk"],
  ["http://10.0.0.1:5000/auth", "http://10.0.0.1:5000", "plain http of the same origin"],
] as const;

for (const [realm, upstream, what] of TRUSTED) {
  Deno.test(`${what} (${realm}) is trusted by ${upstream}`, () => assert.ok(trusted(realm, upstream)));
}

const FOREIGN = [
  ["https://evil.example/token", "https://registry-1.docker.io", "another site"],
  ["http://auth.docker.io/token", "https://registry-1.docker.io", "plain http of the same site"],
  ["http://registry-1.docker.io/token", "https://registry-1.docker.io", "plain http of the same host"],
  ["https://docker.io.evil.example/token", "https://registry-1.docker.io", "a name that begins alike"],
  ["https://evildocker.io/token", "https://registry-1.docker.io", "a name that ends alike"],
  ["https://evil.co.uk/token", "https://registry.example.co.uk", "another owner below co.uk"],
  ["https://10.0.0.2/token", "https://10.0.0.1", "a neighbouring address"],
  ["https://9.0.0.1/token", "https://10.0.0.1", "an address that ends alike"],
  ["http://127.0.0.1:6000/token", "http://127.0.0.1:5000", "another port over plain http"],
  ["https://user:pw@registry.example.com/token", "https://registry.example.com", "a URL with credentials"],
  ["ftp://registry.example.com/token", "https://registry.example.com", "another protocol"],
  ["https://b/token", "https://a", "another bare name"],
] as const;

for (const [realm, upstream, what] of FOREIGN) {
  Deno.test(`${what} (${realm}) is not trusted by ${upstream}`, () => assert.ok(!trusted(realm, upstream)));
}

Deno.test("a listed host is trusted over https, with a port or without", () => {
  assert.ok(trusted("https://login.vendor.example/token", "https://r.example.com", "login.vendor.example"));
  assert.ok(
    trusted("https://login.vendor.example/token", "https://r.example.com", "login.vendor.example:443"),
  );
  assert.ok(
    !trusted("https://login.vendor.example:8443/token", "https://r.example.com", "login.vendor.example:443"),
  );
});

Deno.test("a listed host is trusted over plain http only where the upstream is asked that way itself", () => {
  assert.ok(!trusted("http://login.vendor.example/token", "https://r.example.com", "login.vendor.example"));
  assert.ok(trusted("http://127.0.0.1:5001/token", "http://127.0.0.1:5000", "127.0.0.1:5001"));
});
