import assert from "node:assert/strict";
import { type LogLevels, readLogLevels } from "../../src/cli/log_levels.ts";
import { UsageError } from "../../src/cli/usage.ts";

function read(variables: Record<string, string>): LogLevels {
  return readLogLevels((name) => variables[name]);
}

const INFO = { everything: "info", auth: "info", audit: "info" };

Deno.test("SIMPLE_REGISTRY_LOG is a level, or one for everything and one for auth", () => {
  const cases: [text: string, everything: string, auth: string][] = [
    ["debug", "debug", "debug"],
    ["warn", "warn", "warn"],
    ["auth=debug", "info", "debug"],
    ["info,auth=debug", "info", "debug"],
    ["auth=debug,error", "error", "debug"],
    [" warn , auth = debug ", "warn", "debug"],
    ["debug,warn", "warn", "warn"],
  ];
  for (const [text, everything, auth] of cases) {
    assert.deepEqual(read({ SIMPLE_REGISTRY_LOG: text }), { everything, auth, audit: "info" }, text);
  }
  for (const text of ["", " "]) assert.deepEqual(read({ SIMPLE_REGISTRY_LOG: text }), INFO);
  assert.deepEqual(read({}), INFO);
});

Deno.test("the audit is written however quiet everything else is, unless it is named itself", () => {
  assert.equal(read({ SIMPLE_REGISTRY_LOG: "error" }).audit, "info");
  assert.equal(read({ RUST_LOG: "simple_registry=off" }).audit, "info");
  assert.deepEqual(read({ SIMPLE_REGISTRY_LOG: "debug,audit=error" }), {
    everything: "debug",
    auth: "debug",
    audit: "error",
  });
});

Deno.test("SIMPLE_REGISTRY_LOG with a level or part that does not exist is wrong usage", () => {
  for (
    const text of ["verbose", "auth=", "=debug", "auth=loud", "http=debug", "info,", "auth=debug=x", "auth"]
  ) {
    assert.throws(() => read({ SIMPLE_REGISTRY_LOG: text }), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /^SIMPLE_REGISTRY_LOG (holds|names part) ".*": /);
      return true;
    }, text);
  }
});

Deno.test("RUST_LOG is understood as the original's users write it", () => {
  const cases: [text: string, everything: string, auth: string][] = [
    ["simple_registry::registry::server::auth=debug", "info", "debug"],
    ["angos::auth=debug", "info", "debug"],
    ["simple_registry=debug", "debug", "debug"],
    ["simple_registry=warn,simple_registry::registry::server::auth=trace", "warn", "debug"],
    ["angos=off", "error", "error"],
    ["angos=DEBUG", "debug", "debug"],
    // What other programs are told.
    ["debug", "info", "info"],
    ["hyper=trace,tower=debug", "info", "info"],
    ["simple_registry_other=debug", "info", "info"],
    ["simple_registry", "info", "info"],
    ["simple_registry=loud", "info", "info"],
    ["[span{field}]=debug", "info", "info"],
    ["", "info", "info"],
  ];
  for (const [text, everything, auth] of cases) {
    assert.deepEqual(read({ RUST_LOG: text }), { everything, auth, audit: "info" }, text);
  }
});

Deno.test("SIMPLE_REGISTRY_LOG goes before RUST_LOG", () => {
  const RUST_LOG = "simple_registry=debug";
  assert.deepEqual(read({ RUST_LOG, SIMPLE_REGISTRY_LOG: "warn" }), {
    everything: "warn",
    auth: "warn",
    audit: "info",
  });
  assert.deepEqual(read({ RUST_LOG, SIMPLE_REGISTRY_LOG: "" }), {
    everything: "debug",
    auth: "debug",
    audit: "info",
  });
});
