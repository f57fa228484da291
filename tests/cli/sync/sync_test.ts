/** `sync` as people type it, beside a server and without one, and the copies that a server makes by itself. */
import assert from "node:assert/strict";
import { buildImage, buildIndex } from "../../harness/build_images.ts";
import { ScriptedUpstream } from "../../upstream/scripted_upstream.ts";
import { ProgramFolder, waitForMessage } from "../run_program.ts";

const APP = "team/app";

/** A registry elsewhere with two tags, and a folder whose configuration copies one of them by itself. */
async function makeTrial({ schedule = '"never"', tags = '["v1"]' } = {}) {
  const upstream = await ScriptedUpstream.start();
  const [built, other] = [buildIndex(), buildImage()];
  upstream.addImage(APP, built, "v1");
  upstream.addImage(APP, other, "v2");
  const folder = await ProgramFolder.make();
  await folder.configure(`
[server]
port = 0
[[mirror]]
from = "${upstream.url}/${APP}"
to = "copies/app"
tags = ${tags}
schedule = ${schedule}
allowed_addresses = ["127.0.0.0/8"]
`);
  return {
    upstream,
    folder,
    built,
    other,
    async [Symbol.asyncDispose]() {
      await folder[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

async function serve(folder: ProgramFolder) {
  const server = folder.serve();
  const { url } = await waitForMessage(server, "listening") as { url: string };
  const digestOf = async (path: string) => {
    const response = await fetch(`${url}/v2/${path}`, { method: "HEAD", headers: { accept: "*/*" } });
    return response.headers.get("docker-content-digest");
  };
  return { server, digestOf };
}

Deno.test("a server copies by itself what is due, says so, and does not copy it again after a restart", async () => {
  await using trial = await makeTrial({ schedule: '"24h"' });
  const { server, digestOf } = await serve(trial.folder);
  const said = await waitForMessage(server, "copied from another registry");
  assert.deepEqual([said.from, said.to], [`${trial.upstream.host}/${APP}`, "copies/app"]);
  assert.equal(await digestOf("copies/app/manifests/v1"), trial.built.index.digest);
  assert.equal(await digestOf("copies/app/manifests/v2"), null);
  server.kill("SIGTERM");
  await server.ended();
  trial.upstream.asked.length = 0;
  const again = await serve(trial.folder);
  const result = await trial.folder.run(["sync", "--to", "copies/app", "--json"]);
  const { copies } = JSON.parse(result.stdout);
  assert.deepEqual([copies[0].tags, copies[0].bytes], [{ came: 0, there: 1 }, 0]);
  assert.equal(trial.upstream.count("HEAD", /manifests\/v1/), 1, "only the command has asked");
  again.server.kill("SIGTERM");
  await again.server.ended();
});

Deno.test("sync copies what its options say, beside a server and without one", async () => {
  await using trial = await makeTrial();
  const from = `${trial.upstream.url}/${APP}`;
  const dry = await trial.folder.run(["sync", "--from", `${from}:v2`, "--to", "own/app", "--dry-run"]);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /to own\/app: would come: 1 tag, 1 manifest, 3 blobs/);
  await assert.rejects(Deno.stat(`${trial.folder.path}/data`), Deno.errors.NotFound);
  const alone = await trial.folder.run(["sync", "--from", `${from}:v2`, "--to", "own/app"]);
  assert.match(alone.stdout, /to own\/app: came: 1 tag, 1 manifest, 3 blobs/);
  const { server, digestOf } = await serve(trial.folder);
  assert.equal(await digestOf("own/app/manifests/v2"), trial.other.manifest.digest);
  const beside = await trial.folder.run([
    ...["sync", "--from", from, "--to", "own/app", "--tags", "v1,v3*", "--platform", "linux/amd64"],
  ]);
  assert.equal(beside.code, 0, beside.stderr);
  assert.match(beside.stdout, /1 manifest of other platforms left there/);
  assert.equal(await digestOf("own/app/manifests/v1"), trial.built.index.digest);
  assert.equal(await digestOf(`own/app/manifests/${trial.built.images[1]!.manifest.digest}`), null);
  const lacking = await trial.folder.run(["sync", "--from", `${from}:v9`, "--to", "own/app"]);
  assert.equal(lacking.code, 1);
  assert.match(lacking.stdout, /^own\/app:v9: http:.* has no team\/app:v9$/m);
  server.kill("SIGTERM");
  await server.ended();
});

Deno.test("sync says what is wrong with what it is asked", async () => {
  await using trial = await makeTrial();
  const from = `${trial.upstream.url}/${APP}`;
  for (
    const [args, code, message] of [
      [["--from", from], 2, /sync --from needs --to REPOSITORY/],
      [["--tags", "v1"], 2, /sync --tags needs --from/],
      [["--from", from, "--to", "own/app"], 1, /name a tag \(:3.20\), a digest .* or tags with --tags/],
      [
        ["--from", "alpine:3", "--to", "own/app"],
        1,
        /expected a repository with its registry such as docker.io/,
      ],
      [["--from", `${from}:v1`, "--to", "Own"], 1, /Cannot use repository name "Own"/],
      [["--from", `${from}:v1`, "--to", "own", "--platform", "linux"], 1, /expected e\.g\. linux\/amd64/],
      [["--to", "nowhere"], 1, /no \[\[mirror\]\] of the configuration goes to "nowhere"/],
    ] as const
  ) {
    const result = await trial.folder.run(["sync", ...args]);
    assert.equal(result.code, code, args.join(" "));
    assert.match(result.stderr, message);
  }
});

Deno.test("sync asks no address of this machine that the configuration does not allow", async () => {
  await using trial = await makeTrial();
  await using other = await ScriptedUpstream.start();
  other.addImage(APP, buildImage(), "v1");
  const result = await trial.folder.run(["sync", "--from", `${other.url}/${APP}:v1`, "--to", "own/app"]);
  assert.equal(result.code, 1);
  assert.match(result.stdout, /allowed_addresses/);
  assert.deepEqual(other.asked, []);
});
