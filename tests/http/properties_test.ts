/** Random sequences of operations, held against the model of a registry. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Expectations } from "../model/expectations.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { assertPromise, randomOperation } from "./random_operations.ts";
import { makeClient } from "./request_builder.ts";

Deno.test("random operations are answered as the model says, and leave no file that nothing names", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(randomOperation, { maxLength: 60 }), async (operations) => {
      const registry = makeModelRegistry();
      const trial = { client: makeClient(registry), model: new Expectations() };
      for (const operation of operations) await operation(trial);
      await assertPromise(trial);
      assert.equal(registry.blobs.openCount, 0);
      assert.deepEqual(
        [...registry.blobs.files.keys()].sort(),
        [...registry.metadata.blobs.values()].map(({ file }) => file).sort(),
      );
      assert.deepEqual(
        [...registry.blobs.uploads.keys()].sort(),
        [...registry.metadata.uploads.values()].filter(({ hasFile }) => hasFile).map(({ id }) => id).sort(),
      );
    }),
    { numRuns: 300 },
  );
});
