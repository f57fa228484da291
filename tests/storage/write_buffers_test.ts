/** Buffers for uploads are used again, and large ones go to those who are fast, as long as there are some. */
import assert from "node:assert/strict";
import { joinBytes } from "../../src/core/join_bytes.ts";
import { Gathering, WriteBuffers } from "../../src/storage/files/write_buffers.ts";
import { randomBytes } from "../model/bytes.ts";

const [SMALL, LARGE, FAST, SLOW] = [128 * 1024, 1024 * 1024, 10, 10_000];

Deno.test("a first buffer is small, and the next one large where the last was filled quickly", () => {
  const buffers = new WriteBuffers();
  assert.equal(buffers.take(undefined).length, SMALL);
  assert.equal(buffers.take(FAST).length, LARGE);
  assert.equal(buffers.take(SLOW).length, SMALL);
});

Deno.test("clients that keep their large buffers leave small ones to the others", () => {
  const buffers = new WriteBuffers();
  const kept = Array.from({ length: 100 }, () => buffers.take(FAST));
  const large = kept.filter(({ length }) => length === LARGE);
  assert.ok(large.length < 32, `${large.length} of 100`);
  assert.equal(buffers.take(FAST).length, SMALL);
  buffers.giveBack(large[0]!);
  assert.equal(buffers.take(FAST).length, LARGE);
});

Deno.test("a buffer that was given back is used again, also where it was lent as a part", () => {
  const buffers = new WriteBuffers();
  const first = buffers.take(undefined);
  buffers.giveBack(first.subarray(0, 10));
  assert.equal(buffers.take(undefined).buffer, first.buffer);
  assert.notEqual(buffers.take(undefined).buffer, first.buffer);
});

Deno.test("buffers that a rush of uploads needed are freed when it is over", () => {
  const buffers = new WriteBuffers();
  const all = Array.from({ length: 100 }, () => buffers.take(undefined));
  for (const buffer of all) buffers.giveBack(buffer);
  const kept = all.filter(({ buffer }) => buffer.byteLength > 0);
  assert.ok(kept.length < 10, `${kept.length} of 100 are kept`);
});

Deno.test("what is gathered comes out in order, in buffers that are full until the last", () => {
  const buffers = new WriteBuffers();
  const gathering = new Gathering(buffers);
  const bytes = randomBytes(3 * LARGE);
  const parts: Uint8Array[] = [];
  const takeOut = (): void => {
    const part = gathering.takeOut();
    parts.push(part.slice());
    buffers.giveBack(part);
  };
  for (let at = 0; at < bytes.length;) {
    at += gathering.add(bytes.subarray(at, at + 50_000));
    if (gathering.isFull) takeOut();
  }
  takeOut();
  assert.deepEqual(joinBytes(parts, bytes.length), bytes);
  assert.equal(gathering.length, 0);
  assert.deepEqual(parts.map(({ length }) => length).slice(0, 2), [SMALL, LARGE]);
  gathering.add(bytes.subarray(0, 10));
  gathering.discard();
  assert.equal(gathering.length, 0);
});
