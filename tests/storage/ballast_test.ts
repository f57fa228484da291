/** The ballast takes up room, gives it up once, and comes back when there is room again. */
import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { Ballast } from "../../src/storage/files/ballast.ts";

const SIZE = 3 * 1024 * 1024 + 17;

/** Makes the ballast where there is room for it; true when it is there. */
async function keep(ballast: Ballast): Promise<boolean> {
  ballast.keep();
  await ballast.settled();
  return ballast.keep();
}

/** The same, so many seconds later. */
async function keepAfter(seconds: number, ballast: Ballast): Promise<boolean> {
  const { now } = performance;
  performance.now = () => now.call(performance) + seconds * 1000;
  try {
    return await keep(ballast);
  } finally {
    performance.now = now;
  }
}

async function withPath(work: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(`${dir}/ballast`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("Ballast.keep() makes a file whose bytes cannot be compressed away", async () => {
  await withPath(async (path) => {
    const ballast = new Ballast(path, SIZE);
    assert.equal(ballast.keep(), false, "it is made meanwhile");
    await ballast.settled();
    assert.equal(ballast.keep(), true);
    const { size, blocks, mode } = await Deno.stat(path);
    assert.equal(size, SIZE);
    assert.ok(blocks! * 512 >= SIZE, "the file is not sparse");
    assert.equal(mode! & 0o077, 0);
    assert.ok(new Set(await Deno.readFile(path)).size > 200);
  });
});

Deno.test("Ballast.giveUp() removes the file once, and it is not made again at once", async () => {
  await withPath(async (path) => {
    const ballast = new Ballast(path, SIZE);
    assert.equal(ballast.giveUp(), false, "there was none yet");
    ballast.keep();
    assert.equal(ballast.giveUp(), false, "it is still being made");
    await ballast.settled();
    assert.equal(ballast.giveUp(), true);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
    assert.equal(ballast.giveUp(), false);
    assert.equal(ballast.keep(), false, "a look so soon would find the room that was just given up");
  });
});

Deno.test("Ballast takes a whole file of an earlier start as its own and replaces a part of one", async () => {
  await withPath(async (path) => {
    await keep(new Ballast(path, SIZE));
    const { mtime } = await Deno.stat(path);
    assert.equal(new Ballast(path, SIZE).keep(), true);
    assert.deepEqual((await Deno.stat(path)).mtime, mtime);
    await Deno.truncate(path, 1000);
    const ballast = new Ballast(path, SIZE);
    assert.equal(ballast.giveUp(), false);
    assert.equal(await keep(ballast), true);
    assert.equal((await Deno.stat(path)).size, SIZE);
  });
});

Deno.test("Ballast is not made where it would take more than half of what is free", async () => {
  await withPath(async (path) => {
    const { bavail, bsize } = statfsSync(path.slice(0, path.lastIndexOf("/")));
    assert.equal(await keep(new Ballast(path, bavail * bsize)), false);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  });
});

Deno.test("Ballast that somebody has removed is nothing to give up, and is made again", async () => {
  await withPath(async (path) => {
    const ballast = new Ballast(path, SIZE);
    assert.equal(await keep(ballast), true);
    await Deno.remove(path);
    assert.equal(ballast.giveUp(), false);
    assert.equal(await keepAfter(2, ballast), true);
    await Deno.remove(path);
    assert.equal(await keepAfter(4, ballast), true, "also when nobody has asked for it since");
    assert.equal((await Deno.stat(path)).size, SIZE);
  });
});

Deno.test("Ballast on a disk that cannot be asked any more stays away without a fault", async () => {
  await withPath(async (path) => {
    const ballast = new Ballast(path, SIZE);
    assert.equal(await keep(ballast), true);
    await Deno.remove(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    assert.equal(await keepAfter(2, ballast), false);
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")));
  });
});
