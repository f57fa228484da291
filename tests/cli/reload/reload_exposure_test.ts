/** A reload changes policies and not addresses: what is safe where the new configuration would listen may not be where it does. */
import assert from "node:assert/strict";
import { ReadFiles } from "../../../src/cli/reload/read_files.ts";
import { Reload } from "../../../src/cli/reload/reload.ts";
import type { Settings } from "../../../src/config/settings.ts";
import { NO_METRICS } from "../../../src/metrics/no_metrics.ts";
import { makeAuthority } from "../../auth/certificate_factory.ts";
import { load, type Surroundings } from "../../config/load_text.ts";
import { makeKeyPair } from "../../config/make_key_pair.ts";
import { RecordingLog } from "../../server/test_server.ts";

const POLICY = '[global.access_policy]\nrules = ["true"]\n';
const OPEN_POLICY = "[global.access_policy]\ndefault_allow = true\n";

const CA = makeAuthority({ subject: "Client Root" });

/** What becomes of a reload from `before` to `after` while others reach the server at `inReach`. */
async function reload(
  before: string,
  after: string,
  inReach: readonly string[],
  surroundings?: Surroundings,
): Promise<string> {
  const log = new RecordingLog();
  const taken: Settings[] = [];
  await new Reload({
    started: load(before, surroundings),
    inReach,
    files: new ReadFiles(),
    readAgain: () => load(after, surroundings),
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

Deno.test("a policy that allows everything is taken over only where the new configuration says who could reach it", async () => {
  const [before, inReach] = [`server.bind_address = "0.0.0.0"\n${POLICY}`, ["http://0.0.0.0:8000"]];
  assert.match(
    await reload(before, `server.bind_address = "127.0.0.1"\n${OPEN_POLICY}`, inReach),
    /not reloaded.*: server: listens at http:\/\/0\.0\.0\.0:8000 until a restart/,
  );
  for (
    const after of [
      // With a warning, as at a start.
      `server.bind_address = "0.0.0.0"\n${OPEN_POLICY}`,
      `server.bind_address = "127.0.0.1"\n${OPEN_POLICY}rules = ["request.action.startsWith('delete-')"]`,
    ]
  ) assert.match(await reload(before, after, inReach), /^configuration reloaded/);
});

Deno.test("policies that count on certificates wait for the restart after which clients are asked for one", async () => {
  const pair = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const surroundings: Surroundings = {
    files: { "server.pem": pair.certificate, "server.key": pair.key, "ca.pem": CA.pem },
  };
  const tls = `[server.tls]\nserver_certificate_bundle = "server.pem"\nserver_private_key = "server.key"\n`;
  const required = `${tls}client_ca_bundle = "ca.pem"\nclient_auth = "required"\n${OPEN_POLICY}`;
  const optional = `${tls}client_ca_bundle = "ca.pem"\n${POLICY}`;
  for (const before of [POLICY, `${tls}${POLICY}`]) {
    assert.match(
      await reload(before, required, [], surroundings),
      /not reloaded.*: server\.tls\.client_auth: Cannot ask for certificates before a restart/,
    );
    assert.match(await reload(before, optional, [], surroundings), /^configuration reloaded/);
  }
  assert.match(await reload(optional, required, [], surroundings), /^configuration reloaded/);
});
