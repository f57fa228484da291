import assert from "node:assert/strict";
import { readChallenge } from "../../src/upstream/auth_challenge.ts";
import { cheapest } from "../harness/cheapest.ts";

Deno.test("Docker Hub's challenge is read", () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"';
  assert.deepEqual(readChallenge(header), {
    scheme: "bearer",
    realm: "https://auth.docker.io/token",
    service: "registry.docker.io",
    scope: "repository:library/alpine:pull",
  });
});

Deno.test("schemes and names are read in any letters, with spaces, without quotes, and with escapes", () => {
  const header = 'BEARER Realm = "https://a/\\"t\\"" , service=plain';
  assert.deepEqual(readChallenge(header), {
    scheme: "bearer",
    realm: 'https://a/"t"',
    service: "plain",
    scope: undefined,
  });
});

Deno.test("a scope with a comma in it stays whole", () => {
  const found = readChallenge('Bearer realm="https://a/t",scope="repository:x:pull,push"');
  assert.equal(found?.scheme === "bearer" && found.scope, "repository:x:pull,push");
});

Deno.test("Bearer goes before Basic, in whichever order they come", () => {
  for (
    const header of [
      'Basic realm="r", Bearer realm="https://a/t"',
      'Bearer realm="https://a/t", Basic realm="r"',
    ]
  ) {
    assert.equal(readChallenge(header)?.scheme, "bearer");
  }
  assert.deepEqual(readChallenge('Negotiate, Basic realm="r", charset="UTF-8"'), { scheme: "basic" });
});

Deno.test("nothing that can be answered is no challenge", () => {
  for (
    const header of [undefined, "", "Negotiate", "Bearer", 'Bearer service="x"', ",,,=", 'Mutual realm="x"']
  ) {
    assert.equal(readChallenge(header), undefined, header);
  }
});

Deno.test("a header that is long by intent takes no time", async () => {
  const ms = await cheapest(() => {
    readChallenge(`Bearer realm="${"\\".repeat(1_000_000)}`);
    readChallenge(`Bearer realm="${"\\".repeat(8000)}`);
    readChallenge("a=".repeat(4000));
  }, 1000);
  assert.ok(ms < 1000, `${ms} ms`);
});
