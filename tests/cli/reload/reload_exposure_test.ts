/** A reload changes policies and not addresses: what is safe where the new configuration would listen may not be where it does. */
import assert from "node:assert/strict";
import { ReadFiles } from "../../../src/cli/reload/read_files.ts";
import { Reload } from "../../../src/cli/reload/reload.ts";
import type { Settings } from "../../../src/config/settings.ts";
import { NO_METRICS } from "../../../src/metrics/no_metrics.ts";
import { load } from "../../config/load_text.ts";
import { RecordingLog } from "../../server/test_server.ts";

const POLICY = '[global.access_policy]\nrules = ["true"]\n';

/** What becomes of a reload from `before` to `after` while others reach the server at `inReach`. */
async function reload(before: string, after: string, inReach: readonly string[]): Promise<string> {
  const log = new RecordingLog();
  const taken: Settings[] = [];
  await new Reload({
    started: load(before),
    inReach,
    files: new ReadFiles(),
    readAgain: () => load(after),
    handOut: (settings) => Promise.resolve(void taken.push(settings)),
    onBegin() {},
    onReload() {},
    onEnd() {},
    log,
    metrics: NO_METRICS,
  }).run();
  const { message, fields } = log.records.at(-1)!;
  assert.equal(taken.length, message === "configuration reloaded" ? 1 : 0);
  return `${message}: ${fields.reason ?? ""}`;
}

Deno.test("everybody is let in by no reload while others reach the server, whatever address is to come", async () => {
  const before = `server.bind_address = "0.0.0.0"\n${POLICY}`;
  assert.match(
    await reload(before, 'server.bind_address = "127.0.0.1"', ["http://0.0.0.0:8000"]),
    /not reloaded.*: server: listens at http:\/\/0\.0\.0\.0:8000 until a restart, where others reach it/,
  );
  assert.match(
    await reload(before, `server.bind_address = "127.0.0.1"\n${POLICY}`, ["http://0.0.0.0:8000"]),
    /^configuration reloaded/,
  );
  assert.match(await reload("", "server.port = 1", []), /^configuration reloaded/);
});
