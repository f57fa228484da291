/** Many clients at once, in short. `make soak` has the numbers that are promised. */
import { testWith } from "../harness/real_clients.ts";
import { inTries } from "../harness/tries.ts";
import { checkIdleConnections } from "./idle_connections_check.ts";
import { checkMovingTag } from "./moving_tag_check.ts";
import { checkSameBlob } from "./same_blob_check.ts";
import { checkSlowReaders } from "./slow_readers_check.ts";

Deno.test(
  "500 idle mTLS connections take little memory each, and pulls go on beside them",
  inTries(async () => {
    await checkIdleConnections(500, { eachBytes: 150_000, pullMs: 500 });
  }),
);

testWith({ programs: ["curl"] })(
  "100 clients that take a blob at 10 kB a second take little memory, and fast ones go on",
  inTries(async () => {
    await checkSlowReaders({
      clients: 100,
      blobSize: 100_000_000,
      seconds: 2,
      growth: 100e6,
      keptSpeed: 0.25,
    });
  }),
);

Deno.test("12 clients that push the same blob at once are all told 201, and leave one file", async () => {
  await checkSameBlob(12, 10_000_000);
});

Deno.test("32 clients move one tag while others read it: every read is whole, and none is older than what was acknowledged", async () => {
  await checkMovingTag(32, 3);
});
