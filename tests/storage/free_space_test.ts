/** Uploads stop while there is still room for everything else. */
import assert from "node:assert/strict";
import { OciError } from "../../src/core/oci_error.ts";
import { FreeSpace, requireFreeSpace } from "../../src/storage/files/free_space.ts";
import { until } from "../harness/until.ts";

const MiB = 1024 * 1024;
const PIB = 2 ** 50;
const GIB = 1024 ** 3;

function isInsufficient(error: unknown): boolean {
  return error instanceof OciError && error.code === "INSUFFICIENT_STORAGE" && error.status === 507;
}

Deno.test("requireFreeSpace() refuses below the minimum and says what is free and what is kept", async () => {
  await requireFreeSpace(".", 0);
  await assert.rejects(requireFreeSpace(".", PIB), (error: Error) => {
    assert.ok(isInsufficient(error));
    assert.match(
      error.message,
      /^Cannot take more content: \d+ MiB are free, the registry keeps 1073741824 MiB/,
    );
    return true;
  });
});

Deno.test("FreeSpace looks again when 64 MiB have been written, in however many pieces", async () => {
  const space = new FreeSpace(".", PIB);
  for (let i = 0; i < 63; i++) await space.spend(MiB);
  await assert.rejects(space.spend(MiB), isInsufficient);
});

Deno.test("FreeSpace keeps looking until a look was content", async () => {
  const space = new FreeSpace(".", PIB);
  await assert.rejects(space.spend(64 * MiB), isInsufficient);
  await assert.rejects(space.spend(1), isInsufficient);
  await assert.rejects(space.require(), isInsufficient);
});

Deno.test("FreeSpace starts to count anew after each look", async () => {
  const space = new FreeSpace(".", 0);
  await space.spend(100 * MiB);
  await space.require();
  await space.spend(63 * MiB);
});

Deno.test("FreeSpace looks once for many starts at one time where far more is free than is needed", async () => {
  let [free, looks] = [10 * GIB, 0];
  const space = new FreeSpace(".", GIB, () => Promise.resolve((looks++, free)));
  for (let i = 0; i < 10; i++) await space.require();
  assert.equal(looks, 1);
  await until(async () => (await space.require(), looks === 2));
  // What the next look finds is little: from then on each start looks.
  free = 2 * GIB - 1;
  await until(async () => (await space.require(), looks === 3));
  for (let i = 0; i < 10; i++) await space.require();
  assert.equal(looks, 13);
});
