import assert from "node:assert/strict";
import { steadily } from "../../src/registry/steady_chunks.ts";

/** Reads chunks of so many bytes, each of which comes after `waitMs`; between them `pauseMs` go by in which nobody reads. */
async function read(bytes: number, waitMs: number, pauseMs = 0, chunks = 100): Promise<number> {
  let time = 0;
  let read = 0;
  async function* arrive() {
    for (let chunk = 0; chunk < chunks; chunk++) {
      time += waitMs;
      yield new Uint8Array(bytes);
    }
  }
  for await (const chunk of steadily(arrive(), () => time)) {
    read += chunk.length;
    time += pauseMs;
  }
  return read;
}

Deno.test("chunks that come at 1 KiB a second pass, at any size of theirs", async () => {
  assert.equal(await read(1024, 1000), 102_400);
  assert.equal(await read(30_720, 29_999), 3_072_000);
});

Deno.test("what comes at a crawl is given up after half a minute", async () => {
  await assert.rejects(read(1, 1000), {
    kind: "timeout",
    message: "the upstream sends fewer than 1024 bytes a second: 30 in 30 s",
  });
  await assert.rejects(read(10_000, 29_000), { kind: "timeout" });
});

Deno.test("time in which nobody takes the chunks is not the upstream's", async () => {
  assert.equal(await read(1024, 100, 60_000), 102_400);
});
