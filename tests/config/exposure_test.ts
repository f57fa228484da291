/** On which addresses the registry may listen, and what is said about who gets in. */
import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/load_config.ts";
import { placeOf } from "./listening_at.ts";
import { load, noFile, problemsOf } from "./load_text.ts";

for (const address of ["127.0.0.1", "127.255.3.4", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"]) {
  Deno.test(`loadConfig() lets ${address} listen without TLS and with a policy that allows everything`, () => {
    const settings = load(`global.access_policy.default_allow = true\nserver.bind_address = "${address}"`);
    assert.equal(placeOf(settings).host, address);
    assert.deepEqual(settings.warnings, []);
  });
}

for (
  const address of ["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "fe80::1", "::ffff:10.0.0.1", "::ffff:0.0.0.0"]
) {
  Deno.test(`loadConfig() refuses to listen on ${address} with neither TLS nor a policy`, () => {
    assert.match(
      problemsOf(`server.bind_address = "${address}"`).join(),
      /^config.toml:1: server.bind_address: others/,
    );
  });
}

for (
  const address of ["localhost", "[::1]", "127.0.0.1:80", "127.1", "", "127.0.0.1 ", "registry.example.com"]
) {
  Deno.test(`loadConfig() refuses ${JSON.stringify(address)} as an address`, () => {
    const [problem, ...others] = problemsOf(`server.bind_address = "${address}"`);
    assert.match(
      problem!,
      /expected an IP address such as "127.0.0.1" or "::" \(host names are not accepted\)/,
    );
    assert.deepEqual(others, []);
  });
}

Deno.test("loadConfig() lets everybody of this machine in while nothing of access control is configured, and says so", () => {
  for (const sources of [[], [{ file: "a", text: "" }]]) {
    const { global, warnings } = loadConfig(sources, () => undefined, noFile);
    assert.deepEqual(global.accessPolicy, { defaultAllow: true, rules: [], file: "", line: 0 });
    assert.deepEqual(warnings, [
      "No access control is configured: everybody on this machine may pull, push and delete. " +
      "The first access policy, password, client CA or webhook ends that",
    ]);
  }
});

Deno.test("loadConfig() lets nobody in without a policy once anything tells callers apart, and says so", () => {
  const phc =
    "$argon2id$v=19$m=19456,t=2,p=1$/KcdfKzuJRKWuvmIZgqKyA$xHQSfv6QbalemqkQa4To+XIcQ6bq4c2M9OIznuePk3c";
  for (
    const text of [
      `[auth.identity.ci]\nusername = "ci"\npassword = "${phc}"`,
      `[auth.token_service]\nsecret_key = "${btoa("0123456789abcdef0123456789abcdef")}"`,
      `[auth.webhook.w]\nurl = "http://127.0.0.1:1/"\ntimeout_ms = 1`,
    ]
  ) {
    const { global, warnings } = load(text);
    assert.equal(global.accessPolicy, undefined);
    assert.ok(
      warnings.includes(
        "No access policy is configured, so every request is refused: write [global.access_policy] with " +
          "rules that allow some (or default_allow = true, which lets everybody in)",
      ),
    );
  }
});

for (
  const [policy, expected] of [
    ["[global.access_policy]", []],
    ['[repository."a".access_policy]', []],
    ["[global.access_policy]\ndefault_allow = true\nrules = [\"identity.username == ''\"]", []],
    ["[global.access_policy]\ndefault_allow = true", [
      "Listening on 0.0.0.0 with an access policy that allows everything: everybody who reaches it can pull, " +
      "push and delete",
    ]],
  ] as const
) {
  Deno.test(`loadConfig() lets every address listen without TLS and with ${JSON.stringify(policy)}`, () => {
    assert.deepEqual(load(`server.bind_address = "0.0.0.0"\n${policy}`).warnings, expected);
  });
}
