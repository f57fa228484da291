/** An import that is killed leaves nothing half, and the next one brings the rest. */
import assert from "node:assert/strict";
import { makeBundleTrial } from "../cli/commands/bundle_trial.ts";
import { buildImage, listContents } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { captureCommand } from "../harness/run_command.ts";
import { startRegistry } from "../harness/start_registry.ts";

const TAGS = 12;
const LAYERS = 6;

/** Resolves when so many blobs have got their names. */
async function seeBlobs(rootDir: string, count: number): Promise<void> {
  using watcher = Deno.watchFs(`${rootDir}/blobs`, { recursive: true });
  const seen = new Set<string>();
  for await (const { kind, paths } of watcher) {
    if (kind === "remove") continue;
    for (const path of paths) if (/\/[0-9a-f]{64}\.\w+/.test(path)) seen.add(path);
    if (seen.size >= count) return;
  }
}

Deno.test("killed in the middle, with a server or without one, an import brings the rest the next time", async () => {
  await using outside = await makeBundleTrial();
  const images = Array.from(
    { length: TAGS },
    () => buildImage({ layerSizes: Array.from({ length: LAYERS }, (_, i) => 20_000 + i) }),
  );
  for (const [i, image] of images.entries()) await outside.api.pushImage("app", image, `v${i}`);
  await outside.bundle("out.tar", "app");
  await using inside = await makeBundleTrial(outside.folder);
  const { rootDir } = inside.registry;
  const words = [...inside.program, "import", "out.tar"];
  const startImport = () =>
    new Deno.Command(words[0]!, { args: words.slice(1), cwd: outside.folder, stdout: "null", stderr: "null" })
      .spawn();

  // The command goes, and the server stays: it ends the import in order.
  let seen = seeBlobs(rootDir, 10);
  const beside = startImport();
  await seen;
  beside.kill("SIGKILL");
  await beside.status;

  // The server goes, and the command says so.
  seen = seeBlobs(rootDir, 10);
  const orphan = captureCommand(words, { cwd: outside.folder });
  await seen;
  inside.registry.process.kill("SIGKILL");
  assert.match((await orphan).stderr, /Cannot import out\.tar: /);
  assert.equal((await orphan).code, 1);

  // Without a server, the command is all there is.
  seen = seeBlobs(rootDir, 10);
  const alone = startImport();
  await seen;
  alone.kill("SIGKILL");
  await alone.status;

  await using again = await startRegistry({ tls: false, server: "threads = 1", rootDir });
  using api = new RegistryApi(again);
  for (const [i, image] of images.entries()) {
    const found = await api.findDigest("app", `v${i}`);
    if (found === undefined) continue;
    for (const { digest } of listContents(image).slice(0, -1)) {
      await api.expect(200, "HEAD", `/v2/app/blobs/${digest}`);
    }
  }
  const last = await captureCommand([...words, "--json"], { cwd: outside.folder });
  const report = JSON.parse(last.stdout);
  assert.deepEqual([last.code, report.refused], [0, 0]);
  assert.ok(report.blobs.came < TAGS * (LAYERS + 1) - 20, JSON.stringify(report));
  for (const [i, { manifest }] of images.entries()) {
    assert.equal(await api.findDigest("app", `v${i}`), manifest.digest);
  }
  const scrub = await captureCommand([...inside.program, "scrub", "--json"], { cwd: outside.folder });
  assert.equal(scrub.code, 0, scrub.stdout);
});
