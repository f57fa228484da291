/** `scrub` as an administrator runs it, beside a server and without one, and as the server runs it by itself. */
import assert from "node:assert/strict";
import { buildImage, type Content, makeContent, randomBytes } from "../harness/build_images.ts";
import { describeMissing } from "../harness/real_clients.ts";
import { captureCommand } from "../harness/run_command.ts";
import { waitForMessage } from "../cli/run_program.ts";
import { DataTrial } from "./data_trial.ts";
import { blobPath, flipBit, flipManifestBit } from "./damage.ts";

const BLOB = "application/octet-stream";

async function pushBlobs(trial: DataTrial, count: number, size: number): Promise<Content[]> {
  const blobs = Array.from({ length: count }, () => makeContent(BLOB, randomBytes(size)));
  for (const blob of blobs) await trial.api.pushBlob("app", blob);
  return blobs;
}

async function statusOf(trial: DataTrial, method: string, path: string): Promise<number> {
  const answer = await trial.api.request(method, path);
  await answer.body?.cancel();
  return answer.status;
}

Deno.test("a scrub beside the server finds damage with exit code 1, a repair takes it away, and a push as of docker heals", async () => {
  await using trial = await DataTrial.make();
  const { api, rootDir } = trial;
  const image = buildImage({ layerSizes: [300_000, 5000] });
  await api.pushImage("team/app", image, "v1");
  const sound = await trial.run("scrub");
  assert.deepEqual([sound.code, sound.stderr], [0, ""]);
  assert.match(sound.stdout, /^3 blobs \(\S+ KiB\) and 1 manifests read: nothing wrong\n$/);

  const [layer] = image.layers as [Content];
  flipBit(blobPath(rootDir, layer.digest), 299_999);
  flipManifestBit(rootDir, image.manifest.digest, 0);
  await Deno.writeTextFile(`${rootDir}/uploads/stray`, "");
  const found = await trial.run("scrub");
  assert.equal(found.code, 1);
  assert.match(found.stdout, new RegExp(`damaged: blob ${layer.digest} has bytes .*\\n  in team/app\\n`));
  assert.match(found.stdout, new RegExp(`damaged: manifest ${image.manifest.digest} has bytes`));
  assert.match(found.stdout, /stray: file uploads\/stray has a name/);
  assert.match(found.stdout, /read: 2 damaged, 1 stray\n$/);
  await trial.registry.process.waitForLine("the finding", (line) => {
    return /"level":"error","message":"scrub found damaged: blob/.test(line) || undefined;
  });
  const blobUrl = `/v2/team/app/blobs/${layer.digest}`;
  assert.equal(await statusOf(trial, "HEAD", blobUrl), 200, "a scrub without --repair changes nothing");

  const repaired = await trial.run("scrub", "--repair", "--json", "--rate", "0");
  assert.equal(repaired.code, 1);
  const { counts, complete, findings } = JSON.parse(repaired.stdout);
  assert.deepEqual([counts.damaged, counts.stray, complete], [2, 1, true]);
  assert.equal(findings.filter(({ repair }: { repair?: string }) => repair !== undefined).length, 2);
  for (const [method, path] of [["HEAD", blobUrl], ["GET", blobUrl], ["GET", "/v2/team/app/manifests/v1"]]) {
    assert.equal(await statusOf(trial, method!, path!), 404);
  }
  assert.equal(
    await statusOf(trial, "GET", "/readyz"),
    200,
    "one lost blob does not take all the others away",
  );

  // docker asks for each layer and pushes those that are not there, then the manifest.
  for (const content of [...image.layers, image.config]) {
    if (await statusOf(trial, "HEAD", `/v2/team/app/blobs/${content.digest}`) === 404) {
      await api.pushBlob("team/app", content);
    }
  }
  await api.pushManifest("team/app", image.manifest, "v1");
  for (const path of [blobUrl, "/v2/team/app/manifests/v1"]) {
    assert.equal(await statusOf(trial, "HEAD", path), 200);
  }
  await Deno.remove(`${rootDir}/uploads/stray`);
  assert.equal((await trial.run("scrub")).code, 0);
  assert.match((await trial.run("status")).stdout, /scrub: ended \d{4}-\S+Z: nothing wrong\n/);
});

Deno.test("a scrub without a server works under the lock, with the same findings and repairs", async () => {
  await using trial = await DataTrial.make();
  const [flipped, gone] = await pushBlobs(trial, 5, 1000) as [Content, Content];
  await trial.stop();
  assert.equal((await trial.run("scrub")).code, 0);
  flipBit(blobPath(trial.rootDir, flipped.digest), 0);
  await Deno.remove(blobPath(trial.rootDir, gone.digest));
  const repaired = await trial.run("scrub", "--repair");
  assert.deepEqual([repaired.code, repaired.stderr], [1, ""]);
  assert.match(repaired.stdout, /5 blobs .*: 1 missing, 1 damaged\n$/);
  await trial.start();
  for (const { digest } of [flipped, gone]) {
    assert.equal(await statusOf(trial, "HEAD", `/v2/app/blobs/${digest}`), 404);
  }
});

Deno.test("wrong options are refused with exit code 2, a folder without data with 1", async () => {
  await using trial = await DataTrial.make();
  for (
    const [args, text] of [[["--rate", "fast"], /--rate takes bytes/], [["--mend"], /unknown option --mend/]]
  ) {
    const { code, stderr } = await trial.run("scrub", ...args as string[]);
    assert.equal(code, 2);
    assert.match(stderr, text as RegExp);
  }
  await trial.stop();
  await Deno.remove(trial.rootDir, { recursive: true });
  const { code, stderr } = await trial.run("scrub");
  assert.equal(code, 1);
  assert.match(stderr, /it is no data directory/);
});

Deno.test("a scrub that is killed goes on where it was, without a server", async () => {
  await using trial = await DataTrial.make();
  const blobs = await pushBlobs(trial, 12, 200_000);
  await trial.stop();
  const sorted = blobs.map(({ digest }) => digest).sort();
  // What it finds before the kill has to be in the last report.
  flipBit(blobPath(trial.rootDir, sorted[0]!), 0);
  const [program = "", ...args] = await trial.words("scrub", "--rate", "200000");
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  const place = await placeOf(trial, ({ blobs }) => blobs >= 2);
  child.kill("SIGKILL");
  await child.status;
  const started = performance.now();
  const { code, stdout } = await trial.run("scrub", "--json", "--rate", "400000");
  const report = JSON.parse(stdout);
  assert.deepEqual([code, report.complete, report.blobs, report.bytes], [1, true, 12, 12 * 200_000]);
  assert.equal(Date.parse(report.started_at), place.startedAt);
  assert.deepEqual(report.findings.map(({ digest }: { digest: string }) => digest), [sorted[0]]);
  assert.ok(performance.now() - started < 60_000);
});

Deno.test("a scrub of which server or command is killed goes on with the next command", async () => {
  await using trial = await DataTrial.make();
  await pushBlobs(trial, 12, 200_000);
  const startSlow = async () => {
    const [program = "", ...args] = await trial.words("scrub", "--rate", "200000");
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
  };
  const first = await startSlow();
  const { startedAt, blobs } = await placeOf(trial, ({ blobs }) => blobs >= 2);
  first.kill("SIGKILL");
  await first.status;
  // The server notices that nobody waits any more; until then it says that a scrub runs.
  let second = await startSlow();
  const later = await placeOf(trial, (place) => {
    return place.blobs >= blobs + 2;
  }, async () => {
    const ended = await Promise.race([second.status, new Promise((resolve) => setTimeout(resolve, 10))]);
    if (ended !== undefined) second = await startSlow();
  });
  assert.equal(later.startedAt, startedAt);
  await trial.stop("SIGKILL");
  assert.equal((await second.status).code, 1);
  await trial.start();
  const report = JSON.parse((await trial.run("scrub", "--json", "--rate", "0")).stdout);
  assert.deepEqual([Date.parse(report.started_at), report.blobs, report.complete], [startedAt, 12, true]);
});

Deno.test("the server scrubs by itself, says what it finds, and hands a scrub over to whoever asks for one", async () => {
  await using trial = await DataTrial.make('[scrub]\ninterval = "1s"\nrate = "20KiB"');
  const blobs = await pushBlobs(trial, 8, 100_000);
  flipBit(blobPath(trial.rootDir, blobs.map(({ digest }) => digest).sort()[0]!), 1);
  await trial.registry.process.waitForLine("the finding", (line) => {
    return line.includes("scrub found damaged: blob") || undefined;
  }, 60_000);
  assert.match((await trial.run("status")).stdout, /^scrub: .*one is under way \(blobs\)$/m);
  const { stdout } = await trial.run("scrub", "--json", "--rate", "0");
  const report = JSON.parse(stdout);
  assert.deepEqual([report.complete, report.blobs, report.counts.damaged], [true, 8, 1]);
  await waitForMessage(trial.registry.process, "scrub ended: 1 damaged");
});

const missing = describeMissing({ programs: ["python3"] });
Deno.test({
  name: "on a terminal a bar shows how far the scrub is",
  ignore: missing !== undefined,
  async fn() {
    await using trial = await DataTrial.make();
    await pushBlobs(trial, 3, 100_000);
    const script = new URL("../cli/commands/terminal.py", import.meta.url).pathname;
    const words = await trial.words("scrub", "--rate", "300000");
    const { code, stdout } = await captureCommand(["python3", script, "[]", ...words]);
    assert.equal(code, 0, stdout);
    const lines = stdout.split("\r\x1b[K");
    assert.ok(lines.some((line) => /^blobs \[[#.]{30}\] \d+ % /.test(line)), stdout);
    assert.match(lines.at(-1)!, /^3 blobs \(292\.96 KiB\)/);
  },
});

interface Place {
  readonly startedAt: number;
  readonly blobs: number;
}

/** The place of the scrub under way once it fits. */
async function placeOf(
  trial: DataTrial,
  fits: (place: Place) => boolean,
  meanwhile: () => Promise<void> = async () => {},
): Promise<Place> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    try {
      const { place } = JSON.parse(await Deno.readTextFile(`${trial.rootDir}/scrub.json`));
      if (place !== undefined && fits(place)) return place;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("The scrub did not get on within a minute");
}
