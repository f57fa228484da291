/** New settings meet threads that are just dying, just beginning, or that cannot take them. */
import assert from "node:assert/strict";
import { BUILT_IN } from "../../../src/config/load_config.ts";
import type { Settings } from "../../../src/config/settings.ts";
import { RawClient } from "../../server/raw_client.ts";
import { until } from "../../harness/until.ts";
import { tell, ThreadsUnderTest } from "./threads_under_test.ts";

const DYING = { http: new URL("./dying_http_thread.ts", import.meta.url) };

/** Settings under which everybody gets `status` for the catalog: 200, or 401. */
function answering(server: ThreadsUnderTest, status: 200 | 401): Settings {
  return {
    ...server.settings,
    global: {
      ...BUILT_IN.global,
      accessPolicy: { defaultAllow: status === 200, rules: [], file: "", line: 0 },
    },
  };
}

async function statusOn(server: ThreadsUnderTest): Promise<number> {
  using client = await RawClient.connect(server.port);
  await client.send("GET /v2/_catalog HTTP/1.1\r\nHost: a\r\n\r\n");
  return (await client.readAnswer()).status;
}

Deno.test("a thread that dies while new settings are handed out is replaced by one that has them", async () => {
  await using server = await ThreadsUnderTest.start(2, DYING);
  for (let round = 1; round <= 2; round++) {
    const status = round % 2 === 1 ? 401 : 200;
    tell("end an HTTP thread");
    // Both are dying: whether they still answer, or their successors begin, is a matter of luck.
    await server.threads.reload(answering(server, status));
    await until(() => server.log.records.length === 2 * round && server.threads.alive === 2);
    for (let i = 0; i < 10; i++) assert.equal(await statusOn(server), status);
  }
});

Deno.test("a thread that begins while settings are handed out twice has the last ones", async () => {
  await using server = await ThreadsUnderTest.start(1, DYING);
  tell("end an HTTP thread");
  await until(() => server.threads.alive === 0);
  const reloads = [401, 200, 401].map((status) => server.threads.reload(answering(server, status as 401)));
  await until(() => server.threads.alive === 1);
  reloads.push(server.threads.reload(answering(server, 200)), server.threads.reload(answering(server, 401)));
  await Promise.all(reloads);
  assert.equal(await statusOn(server), 401);
});

Deno.test("settings that one thread cannot take are taken by none", async () => {
  await using server = await ThreadsUnderTest.start(2);
  await server.threads.reload(answering(server, 401));
  const broken: Settings = {
    ...answering(server, 200),
    repositories: [{ accessPolicy: { rules: [{ text: "nonsense(" }] } } as never],
  };
  await assert.rejects(server.threads.reload(broken), /a thread could not take the configuration over/);
  for (let i = 0; i < 10; i++) assert.equal(await statusOn(server), 401);
});
