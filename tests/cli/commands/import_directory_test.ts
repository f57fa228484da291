/** `import --from-...` as people type it: beside a running server and without one, cut, and with what is wrong. */
import assert from "node:assert/strict";
import { makeBlob, makeManifest } from "../../http/content.ts";
import { LinkTree, OriginalTree } from "../../jobs/foreign_trees.ts";
import { makeBundleTrial } from "./bundle_trial.ts";

function makeTree() {
  const [config, layer] = [makeBlob(), makeBlob(3_000_000)];
  const image = makeManifest(config, [layer]);
  const tree = new LinkTree().blob("app", config).blob("app", layer).manifest("app", image, "v1");
  return { tree, image, layer };
}

Deno.test("a directory comes through the server, read with the rights of whoever gives the command", async () => {
  await using trial = await makeBundleTrial();
  const { tree: source, image } = makeTree();
  using tree = source;
  const { code, stdout, stderr } = await trial.run("import", "--from-distribution", tree.path, "--to", "old");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(
    stdout,
    /^came: 1 tag, 1 manifest, 2 blobs \(2\.86 MiB\)\n$/,
  );
  assert.equal(await trial.api.findDigest("old/app", "v1"), image.digest);
});

Deno.test("without a server it comes too, also where there is no data directory yet", async () => {
  await using trial = await makeBundleTrial();
  await trial.registry.stop();
  await Deno.remove(trial.registry.rootDir, { recursive: true });
  const config = makeBlob();
  const image = makeManifest(config);
  using tree = new OriginalTree();
  tree.blob("app", config).manifest("app", image).tag("app", "v1", 1000, "set", image);
  const { code, stdout, stderr } = await trial.run("import", "--from-simple-registry", tree.path, "--json");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(JSON.parse(stdout).tags.came, 1);
  assert.equal((await trial.run("scrub")).code, 0);
});

Deno.test("what could not come is told with exit code 1, and the rest is here", async () => {
  await using trial = await makeBundleTrial();
  const { tree: source, image, layer } = makeTree();
  using tree = source;
  const config = makeBlob();
  const fine = makeManifest(config);
  tree.blob("fine", config).manifest("fine", fine, "v1").data({
    digest: layer.digest,
    bytes: makeBlob(3_000_000).bytes,
  });
  const { code, stdout } = await trial.run("import", "--from-distribution", tree.path);
  assert.equal(code, 1);
  assert.match(
    stdout,
    new RegExp(
      `app@${image.digest} \\(v1\\): blob ${layer.digest} is damaged there: its bytes have another digest`,
    ),
  );
  assert.equal(await trial.api.findDigest("fine", "v1"), fine.digest);
  assert.equal(await trial.api.findDigest("app", "v1"), undefined);
});

Deno.test("two origins, none, a folder that is not there and a key for a folder are refused with what to write", async () => {
  await using trial = await makeBundleTrial();
  const cases: [args: string[], code: number, text: RegExp][] = [
    [[], 2, /write: import FILE/],
    [["a.tar", "--from-layout", "b"], 2, /write: import FILE/],
    [["--from-layout", "a", "--from-distribution", "b"], 2, /write: import FILE/],
    [["--from-layout", "none"], 1, /No such file or directory/],
    [["--from-distribution", "."], 1, /Cannot import \.: it is no data directory of distribution/],
    [["--from-simple-registry", trial.registry.rootDir], 1, /data directory of this program/],
  ];
  for (const [args, code, text] of cases) {
    const result = await trial.run("import", ...args);
    assert.equal(result.code, code, args.join(" "));
    assert.match(result.stderr, text);
  }
});
