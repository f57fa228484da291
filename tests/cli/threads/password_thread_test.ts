/** The password thread, with no permission at all, as src/cli/threads/threads.ts starts it. */
import assert from "node:assert/strict";
import type { PasswordAnswer, PasswordQuestion } from "../../../src/auth/password_check.ts";
import type { StartPasswords } from "../../../src/cli/threads/password_thread.ts";
import { openCalls, PortCalls } from "../../../src/cli/threads/port_calls.ts";
import { makeIdentity } from "../../auth/cheap_identities.ts";

Deno.test("the password thread answers every thread that asks, and counts failures over all of them", async () => {
  const thread = new Worker(new URL("../../../src/cli/threads/password_thread.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  const identities = [await makeIdentity("alice", "secret")];
  thread.postMessage({ identities } satisfies StartPasswords);
  const ports = [0, 1].map(() => openCalls(thread));
  const askers = ports.map((port) => new PortCalls<PasswordQuestion, PasswordAnswer>(port, "password"));
  const ask = (asker: number, password: string, address = "192.0.2.1") =>
    askers[asker]!.call({ username: "alice", password, address });
  for (const asker of [0, 1]) {
    assert.deepEqual(await ask(asker, "secret"), { kind: "accepted", id: "alice-id", username: "alice" });
  }
  for (let i = 0; i < 10; i++) assert.deepEqual(await ask(i % 2, `${i}`), { kind: "refused" });
  for (const asker of [0, 1]) {
    assert.equal((await ask(asker, "secret")).kind, "limited");
    assert.equal((await ask(asker, "secret", "192.0.2.2")).kind, "accepted");
  }
  for (const port of ports) port.close();
  thread.terminate();
});
