/** Room for large bodies: who waits for whom, and who is sent away. */
import assert from "node:assert/strict";
import { BodyRoom, SMALL_BODY } from "../../src/http/body_room.ts";
import { ClientGone, type RequestBody } from "../../src/http/message.ts";
import { readWhole } from "../../src/http/read_body.ts";
import { OciError } from "../../src/core/oci_error.ts";

const LIMIT = 4 * SMALL_BODY;
const tooLarge = () => new OciError("MANIFEST_INVALID", { status: 413 });

/** A body of `size` bytes whose pieces come when `release()` is called; it says its length or not. */
function makeBody(size: number, announces = true) {
  const gate = Promise.withResolvers<void>();
  let begun = false;
  const body: RequestBody = {
    length: announces ? size : undefined,
    async *chunks() {
      begun = true;
      await gate.promise;
      for (let left = size; left > 0; left -= 65536) yield new Uint8Array(Math.min(65536, left));
    },
  };
  return { body, release: gate.resolve, hasBegun: () => begun };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("large bodies are read as far as there is room, the others wait unread and come in their order", async () => {
  const room = new BodyRoom(LIMIT);
  const bodies = [LIMIT, SMALL_BODY * 2, SMALL_BODY * 2, SMALL_BODY * 2].map((size) => makeBody(size));
  const reads = bodies.map(({ body }) => readWhole(body, LIMIT, room.shareOf("one"), tooLarge));
  await settle();
  assert.deepEqual(bodies.map((body) => body.hasBegun()), [true, false, false, false]);
  bodies[0]!.release();
  const first = await reads[0]!;
  assert.equal(first.bytes.length, LIMIT);
  await settle();
  assert.equal(bodies[1]!.hasBegun(), false, "what is read is still held");
  first[Symbol.dispose]();
  await settle();
  assert.deepEqual(bodies.map((body) => body.hasBegun()), [true, true, true, false]);
  for (const { release } of bodies) release();
  (await reads[1]!)[Symbol.dispose]();
  (await reads[3]!)[Symbol.dispose]();
  (await reads[2]!)[Symbol.dispose]();
});

Deno.test("a small body waits for nobody, said to be small or found to be", async () => {
  const room = new BodyRoom(LIMIT);
  using _all = await room.shareOf("one").take(LIMIT);
  for (const announces of [true, false]) {
    const { body, release } = makeBody(SMALL_BODY, announces);
    release();
    using read = await readWhole(body, LIMIT, room.shareOf("one"), tooLarge);
    assert.equal(read.bytes.length, SMALL_BODY);
  }
});

Deno.test("a body that did not say that it is large waits from the piece on that shows it", async () => {
  const room = new BodyRoom(LIMIT);
  const all = await room.shareOf("one").take(LIMIT);
  const { body, release } = makeBody(SMALL_BODY + 1, false);
  release();
  let done = false;
  const read = readWhole(body, LIMIT, room.shareOf("one"), tooLarge).finally(() => done = true);
  await settle();
  assert.equal(done, false);
  all[Symbol.dispose]();
  assert.equal((await read).bytes.length, SMALL_BODY + 1);
});

Deno.test("whoever waits too long is told to come back, and leaves the room to those behind", async () => {
  const room = new BodyRoom(LIMIT, { patienceMs: 20 });
  const most = await room.shareOf("one").take(LIMIT - SMALL_BODY);
  const large = room.shareOf("one").take(LIMIT);
  const small = room.shareOf("one").take(SMALL_BODY);
  await assert.rejects(large, (error: OciError) => {
    assert.equal(error.status, 503);
    assert.equal(error.headers["retry-after"], "5");
    assert.match(error.message, /Push it again/);
    return true;
  });
  (await small)[Symbol.dispose]();
  most[Symbol.dispose]();
  using _whole = await room.shareOf("one").take(10 * LIMIT);
});

Deno.test("a client with many connections takes turns with one that has a single one", async () => {
  const room = new BodyRoom(LIMIT);
  const [greedy, honest] = [room.shareOf("greedy"), room.shareOf("honest")];
  const held = [await greedy.take(LIMIT / 2), await greedy.take(LIMIT / 2)];
  const order: string[] = [];
  const queue = async (name: string, share: typeof greedy) => {
    using _lease = await share.take(LIMIT / 2);
    order.push(name);
    await settle();
  };
  const waiting = [1, 2, 3].map((n) => queue(`greedy ${n}`, greedy));
  waiting.push(queue("honest", honest));
  held[0]![Symbol.dispose]();
  await settle();
  assert.deepEqual(order, ["honest"]);
  held[1]![Symbol.dispose]();
  await Promise.all(waiting);
  assert.deepEqual(order, ["honest", "greedy 1", "greedy 2", "greedy 3"]);
});

Deno.test("room is given back by a body that breaks off, and by one that grows beyond the limit", async () => {
  const room = new BodyRoom(LIMIT, { patienceMs: 1000 });
  const broken: RequestBody = {
    length: LIMIT,
    // deno-lint-ignore require-yield
    async *chunks() {
      throw new ClientGone("the client went away");
    },
  };
  await assert.rejects(readWhole(broken, LIMIT, room.shareOf("one"), tooLarge), ClientGone);
  const endless = makeBody(LIMIT + 1, false);
  endless.release();
  await assert.rejects(readWhole(endless.body, LIMIT, room.shareOf("one"), tooLarge), { status: 413 });
  using _all = await room.shareOf("one").take(LIMIT);
});

/** A body that comes at a crawl: one byte each time `step()` is called. */
function makeTrickle(announced: number) {
  const steps: PromiseWithResolvers<void>[] = [Promise.withResolvers()];
  const body: RequestBody = {
    length: announced,
    async *chunks() {
      for (let n = 0; n < announced; n++) {
        await steps.at(-1)!.promise;
        steps.push(Promise.withResolvers());
        yield new Uint8Array(1);
      }
    },
  };
  return {
    body,
    step: async () => {
      steps.at(-1)!.resolve();
      await settle();
    },
  };
}

Deno.test("a body that comes at a crawl gives its room to one that waits, when it has had it for long enough", async () => {
  const clock = { now: 0 };
  const room = new BodyRoom(LIMIT, { holdMs: 1000, now: () => clock.now });
  const trickle = makeTrickle(LIMIT);
  const slow = readWhole(trickle.body, LIMIT, room.shareOf("one"), tooLarge);
  const refused = assert.rejects(slow, (error: OciError) => {
    assert.deepEqual([error.code, error.headers["retry-after"]], ["UNAVAILABLE", "5"]);
    assert.match(error.message, /^Cannot take the manifest now: it comes too slowly while others wait/);
    return true;
  });
  await trickle.step();
  clock.now = 5000;
  await trickle.step();
  // So long as nobody waits, it may take its time.
  const { body, release } = makeBody(LIMIT);
  const read = readWhole(body, LIMIT, room.shareOf("one"), tooLarge);
  await settle();
  await trickle.step();
  await refused;
  release();
  assert.equal((await read).bytes.length, LIMIT);
  (await read)[Symbol.dispose]();
});

Deno.test("a body keeps its room for a time, however many wait", async () => {
  const clock = { now: 0 };
  const room = new BodyRoom(LIMIT, { holdMs: 1000, now: () => clock.now });
  const trickle = makeTrickle(LIMIT);
  let ended = false;
  const slow = readWhole(trickle.body, LIMIT, room.shareOf("one"), tooLarge).catch(() => {}).finally(() =>
    ended = true
  );
  await trickle.step();
  const { body, release } = makeBody(LIMIT);
  const read = readWhole(body, LIMIT, room.shareOf("one"), tooLarge);
  clock.now = 1000;
  await trickle.step();
  assert.equal(ended, false);
  clock.now = 1001;
  await trickle.step();
  await slow;
  release();
  (await read)[Symbol.dispose]();
});

Deno.test("a body that keeps coming keeps its room for as long as it takes, however many wait", async () => {
  const clock = { now: 0 };
  const room = new BodyRoom(LIMIT, { holdMs: 1000, now: () => clock.now });
  const steady: RequestBody = {
    length: LIMIT,
    async *chunks() {
      for (let left = LIMIT; left > 0; left -= SMALL_BODY) {
        clock.now += 2000;
        yield new Uint8Array(SMALL_BODY);
      }
    },
  };
  const [first, { body, release }] = [
    readWhole(steady, LIMIT, room.shareOf("one"), tooLarge),
    makeBody(LIMIT),
  ];
  const read = readWhole(body, LIMIT, room.shareOf("one"), tooLarge);
  using whole = await first;
  assert.deepEqual([whole.bytes.length, clock.now], [LIMIT, 8000]);
  whole[Symbol.dispose]();
  release();
  (await read)[Symbol.dispose]();
});
