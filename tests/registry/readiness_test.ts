/** Whoever asks whether the registry is ready learns it, and costs no more than one write a second. */
import assert from "node:assert/strict";
import { isReady } from "../../src/registry/readiness.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";

/** Counts the looks at the stores. */
function watch(registry: ModelRegistry, look: () => Promise<void>): { looks: number } {
  const counted = { looks: 0 };
  registry.blobs.checkReady = () => {
    counted.looks++;
    return look();
  };
  return counted;
}

Deno.test("many questions within a second are one look", async () => {
  const registry = makeModelRegistry();
  const counted = watch(registry, () => Promise.resolve());
  const answers = await Promise.all(Array.from({ length: 100 }, () => isReady(registry)));
  assert.ok(answers.every((answer) => answer));
  registry.time += 999;
  await isReady(registry);
  assert.equal(counted.looks, 1);
  registry.time += 1;
  await isReady(registry);
  assert.equal(counted.looks, 2);
  // A clock that was set back says nothing about the age of the last look.
  registry.time -= 10_000;
  await isReady(registry);
  assert.equal(counted.looks, 3);
});

Deno.test("one store that cannot write is enough, the reason is logged once, and so is the end of it", async () => {
  const registry = makeModelRegistry();
  const fault = new Error("Input/output error (os error 5)");
  let broken = true;
  watch(registry, () => broken ? Promise.reject(fault) : Promise.resolve());
  for (let second = 0; second < 3; second++) {
    assert.equal(await isReady(registry), false);
    registry.time += 1000;
  }
  broken = false;
  assert.equal(await isReady(registry), true);
  registry.time += 1000;
  assert.equal(await isReady(registry), true);
  assert.deepEqual(
    registry.lines.map(({ level, message, fields }) => [level, message, fields?.["error"]]),
    [["error", "not ready: cannot read and write", fault], ["info", "ready again", undefined]],
  );
});

Deno.test("a disk that hangs is not asked again while it hangs, and is broken after 5 s", async () => {
  const registry = makeModelRegistry();
  const hanging = Promise.withResolvers<void>();
  const counted = watch(registry, () => hanging.promise);
  const first = isReady(registry);
  registry.time += 60_000;
  assert.equal(await isReady(registry), false);
  assert.equal(await first, false);
  assert.match(String(registry.lines[0]!.fields!["error"]), /has not answered for 5 s/);
  assert.equal(counted.looks, 1);
  hanging.resolve();
  await hanging.promise;
  await Promise.resolve();
  assert.equal(await isReady(registry), true);
  assert.equal(counted.looks, 2);
});
