import assert from "node:assert/strict";
import { WorkRoom } from "../../src/registry/work_room.ts";

Deno.test("so many works run at a time, and the others in the order in which they came", async () => {
  const room = new WorkRoom(2);
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const works = ends.map(({ promise }, number) =>
    room.run(async () => {
      begun.push(number);
      await promise;
    })
  );
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  ends[1]!.resolve();
  await works[1];
  ends[0]!.reject(new Error("failed"));
  await assert.rejects(works[0]!, /failed/);
  for (const { resolve } of ends) resolve();
  await Promise.all(works.slice(1));
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

Deno.test("whoever waits too long is sent away, and its turn goes to the next", async () => {
  const room = new WorkRoom(1, 20);
  const end = Promise.withResolvers<void>();
  const first = room.run(() => end.promise);
  await assert.rejects(room.run(() => assert.fail("it has no room")), { code: "UNAVAILABLE", status: 503 });
  end.resolve();
  await first;
  assert.equal(await room.run(async () => "room again"), "room again");
});
