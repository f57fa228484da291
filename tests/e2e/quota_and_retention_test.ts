/** Quotas and retention as people with real clients meet them. */
import assert from "node:assert/strict";
import { buildImage, randomBytes, writeOciLayout } from "../harness/build_images.ts";
import { startDockerd } from "../harness/client_engines.ts";
import { testWith } from "../harness/real_clients.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { makeTar } from "../harness/tar_archive.ts";
import { inTries } from "../harness/tries.ts";

const shared = shareRegistry({ programs: [] }, {
  config: '[repository."small"]\nquota_bytes = "100KiB"\nquota_tags = 2',
});
const SENTENCE = /Cannot push.* repository "small\/[a-z]+": .*(quota of|whole quota is) 100 KiB/;

testWith({ programs: ["docker", "dockerd", "containerd", "unshare"], root: true })(
  "docker shows that a quota is full, and goes on once there is room",
  async () => {
    await using engine = await startDockerd(shared.registry);
    const load = (reference: string, size: number) =>
      engine.run(["import", "-", reference], { stdin: makeTar({ "a.bin": randomBytes(size) }) });
    const [one, two] = [shared.at("small/docker:one"), shared.at("small/docker:two")] as const;
    await load(one, 60_000);
    await engine.run(["push", one]);
    await load(two, 60_000);
    await assert.rejects(engine.run(["push", two]), SENTENCE);
    await load(two, 10_000);
    await engine.run(["push", two]);
  },
);

testWith({ programs: ["crane"] })(
  "crane shows that an image is larger than the quota, and that no tag is left",
  async () => {
    const env = { SSL_CERT_FILE: shared.registry.caFile };
    await writeOciLayout(`${shared.workDir}/large`, buildImage({ layerSizes: [200_000] }), "v1");
    await writeOciLayout(`${shared.workDir}/fits`, buildImage({ layerSizes: [1000] }), "v1");
    const large = await shared.runFailing([
      "crane",
      "push",
      `${shared.workDir}/large`,
      shared.at("small/crane:v1"),
    ], { env });
    assert.match(large.stderr, SENTENCE);
    for (const tag of ["v1", "v2"]) {
      await shared.run(["crane", "push", `${shared.workDir}/fits`, shared.at(`small/crane:${tag}`)], { env });
    }
    const third = await shared.runFailing(["crane", "tag", shared.at("small/crane:v1"), "v3"], { env });
    assert.match(third.stderr, /2 of the 2 tags that its quota allows are there/);
  },
);

Deno.test(
  "the server runs retention by itself, counts pulls for it, and takes new rules over at a reload",
  inTries(async () => {
    await using registry = await startRegistry({
      tls: false,
      server: "threads = 1",
      config: `
[global]
retention_interval = "1s"
max_removals_percent = 100
upload_expiry = "1s"
[global.retention_policy]
rules = ["image.tag == 'latest' || image.pulled_count > 0 || image.pushed_at > now() - minutes(1)"]`,
    });
    using api = new RegistryApi(registry);
    for (const tag of ["latest", "pulled", "unused"]) await api.pushImage("app", buildImage(), tag);
    await api.findDigest("app", "pulled");
    // Pulls are written down after some seconds; then the same rules without the last one hold.
    let pulls: unknown[] = [];
    while (pulls.length === 0) {
      const answer = await api.expect(200, "GET", "/v2/_ext/app/_pulls?tag=pulled");
      pulls = (await answer.json()).entries;
    }
    assert.equal((pulls[0] as { client: string }).client, "127.0.0.1");
    const file = `${registry.rootDir}/../config.toml`;
    const config = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, config.replace(" || image.pushed_at > now() - minutes(1)", ""));
    registry.process.kill("SIGHUP");
    await registry.process.waitForLine(
      "the removal of the unused tag",
      (line) => line.includes('"retention removed"') && line.includes('"unused"') || undefined,
    );
    const { tags } = await (await api.expect(200, "GET", "/v2/app/tags/list")).json();
    assert.deepEqual(tags, ["latest", "pulled"]);
  }),
);

Deno.test("pulls that wait to be written down are not lost when the server stops", async () => {
  const rootDir = await Deno.makeTempDir({ prefix: "registry-root-" });
  try {
    {
      await using registry = await startRegistry({ tls: false, server: "threads = 2", rootDir });
      using api = new RegistryApi(registry);
      await api.pushImage("app", buildImage(), "v1");
      await api.findDigest("app", "v1");
      await registry.stop();
    }
    await using registry = await startRegistry({ tls: false, rootDir });
    using api = new RegistryApi(registry);
    const { entries } = await (await api.expect(200, "GET", "/v2/_ext/app/_pulls?tag=v1")).json();
    assert.equal(entries.length, 1);
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});
