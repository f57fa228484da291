/** The memory of byte strings stays within its bound and forgets the least used. */
import assert from "node:assert/strict";
import { ByteCache } from "../../src/storage/byte_cache.ts";

const KiB = 1024;

Deno.test("ByteCache gives back what was set until there is no room", () => {
  const cache = new ByteCache<string>(10 * KiB);
  cache.set("a", new Uint8Array(4 * KiB));
  cache.set("b", new Uint8Array(4 * KiB));
  assert.equal(cache.get("a")?.length, 4 * KiB);
  cache.set("c", new Uint8Array(4 * KiB));
  assert.equal(cache.get("b"), undefined, "b was used longest ago");
  assert.equal(cache.get("a")?.length, 4 * KiB);
  assert.equal(cache.get("c")?.length, 4 * KiB);
});

Deno.test("ByteCache does not take what is larger than its bound, and keeps the rest", () => {
  const cache = new ByteCache<string>(10 * KiB);
  cache.set("a", new Uint8Array(KiB));
  cache.set("b", new Uint8Array(11 * KiB));
  assert.equal(cache.get("b"), undefined);
  assert.equal(cache.get("a")?.length, KiB);
});

Deno.test("ByteCache counts a key that is set again once", () => {
  const cache = new ByteCache<string>(10 * KiB);
  for (let i = 0; i < 100; i++) cache.set("a", new Uint8Array(4 * KiB));
  cache.set("b", new Uint8Array(4 * KiB));
  assert.equal(cache.get("a")?.length, 4 * KiB);
  assert.equal(cache.get("b")?.length, 4 * KiB);
});

Deno.test("ByteCache.delete() makes room", () => {
  const cache = new ByteCache<string>(10 * KiB);
  cache.set("a", new Uint8Array(4 * KiB));
  cache.set("b", new Uint8Array(4 * KiB));
  cache.delete("b");
  cache.delete("never set");
  cache.set("c", new Uint8Array(4 * KiB));
  assert.equal(cache.get("a")?.length, 4 * KiB);
});

Deno.test("ByteCache with a bound of 0 remembers nothing", () => {
  const cache = new ByteCache<string>(0);
  cache.set("a", new Uint8Array(1));
  cache.set("empty", new Uint8Array());
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.get("empty"), undefined);
});

Deno.test("ByteCache bounds the number of empty and tiny entries too", () => {
  const cache = new ByteCache<number>(100 * KiB);
  for (let i = 0; i < 10_000; i++) cache.set(i, new Uint8Array(i % 2));
  let kept = 0;
  for (let i = 0; i < 10_000; i++) if (cache.get(i) !== undefined) kept++;
  assert.ok(kept > 0 && kept <= 200, `${kept} entries are kept in 100 KiB`);
});
