/** Foreign data directories, made by hand: what comes of them, and what is refused because somebody meant harm or was careless. */
import assert from "node:assert/strict";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import { descriptorOf, makeBlob, makeIndex, makeManifest, type ManifestContent } from "../http/content.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { repo, tag } from "../storage/temp_storage.ts";
import { ForeignFolder, importTree, LinkTree, OriginalTree } from "./foreign_trees.ts";

/** An image for two platforms, a signature of it, and everything below them. */
function makeContents() {
  const [config, layer, other] = [makeBlob(), makeBlob(300), makeBlob()];
  const [amd64, arm64] = [makeManifest(config, [layer]), makeManifest(config, [other])];
  const index = makeIndex([amd64, arm64]);
  const signature = makeManifest(config, [], { subject: descriptorOf(index, index.mediaType) });
  return { blobs: [config, layer, other], children: [amd64, arm64], index, signature };
}

async function tagged({ metadata }: ModelRegistry, repository: string, name: string) {
  return (await metadata.findManifest(repo(repository), { kind: "tag", tag: tag(name) }))?.digest;
}

async function assertAllCame(
  registry: ModelRegistry,
  repository: string,
  all: ReturnType<typeof makeContents>,
) {
  const { blobs, children, index, signature } = all;
  for (const { digest, bytes } of [...children, index, signature]) {
    const found = await registry.metadata.findManifest(repo(repository), { kind: "digest", digest });
    assert.deepEqual(found?.bytes, bytes);
  }
  for (const { digest, bytes } of blobs) {
    assert.equal((await registry.metadata.findBlob(repo(repository), digest))?.size, bytes.length);
  }
  const referrers = await registry.metadata.listReferrers(repo(repository), index.digest, { limit: 10 });
  assert.deepEqual(referrers.map(({ digest }) => digest), [signature.digest]);
}

function fillLinkTree(tree: LinkTree, repository: string, all: ReturnType<typeof makeContents>): LinkTree {
  for (const blob of all.blobs) tree.blob(repository, blob);
  for (const child of [...all.children, all.signature]) tree.manifest(repository, child);
  tree.manifest(repository, all.index, "v1", "latest");
  return tree;
}

for (const root of ["docker/registry/v2", "v2", "."]) {
  Deno.test(`all that distribution keeps below ${root} comes with its digests, tags and referrers`, async () => {
    const [registry, all] = [makeModelRegistry(), makeContents()];
    using tree = fillLinkTree(new LinkTree(root), "team/app", all);
    const report = await importTree(registry, "distribution", tree);
    assert.deepEqual([report.refusals, report.repositories, report.tags.came], [[], 1, 2]);
    await assertAllCame(registry, "team/app", all);
    assert.equal(await tagged(registry, "team/app", "latest"), all.index.digest);
  });
}

Deno.test("the original's directory before its version 1 has JSON in its links, and comes the same way", async () => {
  const [registry, all] = [makeModelRegistry(), makeContents()];
  using tree = fillLinkTree(new LinkTree("v2", true), "team/app", all);
  const [config, layer] = [makeBlob(), makeBlob()];
  const image = makeManifest(config, [layer]);
  tree.blob("solo", config, "_config").blob("solo", layer).manifest("solo", image, "1");
  const report = await importTree(registry, "simple-registry", tree);
  assert.deepEqual([report.refusals, report.repositories, report.tags.came], [[], 2, 3]);
  await assertAllCame(registry, "team/app", all);
  assert.equal(await tagged(registry, "solo", "1"), image.digest);
});

Deno.test("the original's present directory comes: the newest record of a tag counts, and a deleted tag stays away", async () => {
  const [registry, all] = [makeModelRegistry(), makeContents()];
  using tree = new OriginalTree();
  for (const blob of all.blobs) tree.blob("team/app", blob);
  for (const manifest of [...all.children, all.index, all.signature]) tree.manifest("team/app", manifest);
  tree.tag("team/app", "v1", 1000, "set", all.children[0]!).tag("team/app", "v1", 2000, "set", all.index);
  tree.tag("team/app", "old", 1000, "set", all.index).tag("team/app", "old", 3000, "del", all.index);
  tree.tag("team/app", "back", 1000, "del", all.index).tag("team/app", "back", 3000, "set", all.index);
  const report = await importTree(registry, "simple-registry", tree);
  assert.deepEqual([report.refusals, report.tags.came], [[], 2]);
  await assertAllCame(registry, "team/app", all);
  assert.equal(await tagged(registry, "team/app", "v1"), all.index.digest);
  assert.equal(await tagged(registry, "team/app", "back"), all.index.digest);
  assert.equal(await tagged(registry, "team/app", "old"), undefined);
});

Deno.test("a directory of the original that is half converted has both layouts, and nothing comes back that was deleted", async () => {
  const [registry, config] = [makeModelRegistry(), makeBlob()];
  const [before, now] = [makeManifest(config), makeManifest(config, [], { annotations: { now: "1" } })];
  using tree = new LinkTree("v2", true);
  tree.blob("app", config).manifest("app", before, "kept", "gone", "moved");
  // The same folder in the other layout too.
  const converted = Object.setPrototypeOf(tree, OriginalTree.prototype) as OriginalTree;
  converted.manifest("app", now).tag("app", "gone", 2000, "del", before).tag(
    "app",
    "moved",
    2000,
    "set",
    now,
  );
  const report = await importTree(registry, "simple-registry", converted);
  assert.deepEqual(report.refusals, []);
  assert.deepEqual(
    [
      await tagged(registry, "app", "kept"),
      await tagged(registry, "app", "gone"),
      await tagged(registry, "app", "moved"),
    ],
    [before.digest, undefined, now.digest],
  );
});

Deno.test("a repository gets no blob that it did not hold there, whatever its manifests name", async () => {
  const config = makeBlob();
  const secret = makeBlob();
  const thief = makeManifest(config, [secret]);
  using links = new LinkTree();
  links.blob("secret", secret).blob("thief", config).manifest("thief", thief, "v1");
  using original = new OriginalTree();
  original.blob("secret", secret).blob("thief", config).manifest("thief", thief).tag(
    "thief",
    "v1",
    1,
    "set",
    thief,
  );
  for (const [kind, tree] of [["distribution", links], ["simple-registry", original]] as const) {
    const registry = makeModelRegistry();
    const { refusals } = await importTree(registry, kind, tree);
    assert.deepEqual(refusals.map(({ why }) => why), [`its blob ${secret.digest} is not there`]);
  }
});

Deno.test("a manifest that was deleted there does not come back although its bytes are still there", async () => {
  const [registry, config] = [makeModelRegistry(), makeBlob()];
  const [kept, deleted] = [makeManifest(config), makeManifest(config, [], { annotations: { a: "b" } })];
  using tree = new LinkTree();
  tree.blob("app", config).manifest("app", kept, "v1").manifest("app", deleted);
  Deno.removeSync(
    `${tree.path}/docker/registry/v2/repositories/app/_manifests/revisions/${
      deleted.digest.replace(":", "/")
    }/link`,
  );
  const report = await importTree(registry, "distribution", tree);
  assert.deepEqual([report.refused, report.manifests.came], [0, 1]);
});

Deno.test("links out of the directory, damaged links and names outside of the grammar are refused one by one, the rest comes", async () => {
  const [registry, config] = [makeModelRegistry(), makeBlob()];
  const image = makeManifest(config);
  using outside = new ForeignFolder();
  outside.write("link", image.digest).write("secret", "password");
  using tree = new LinkTree();
  tree.blob("app", config).manifest("app", image, "good");
  const repositories = "docker/registry/v2/repositories";
  const tags = `${repositories}/app/_manifests/tags`;
  tree.write(`${tags}/empty/current/link`, "").write(`${tags}/text/current/link`, "latest")
    .write(`${tags}/up/current/link`, "sha256:../../../../etc/passwd")
    .write(`${tags}/huge/current/link`, "x".repeat(100_000))
    .write(`${tags}/json/current/link`, `{"target":{"toString":1}}`)
    .write(`${tags}/-bad/current/link`, image.digest)
    .write(`${repositories}/UPPER/_manifests/tags/v1/current/link`, image.digest)
    .write(`${repositories}/${"deep/".repeat(60)}_layers/x`, "");
  Deno.mkdirSync(`${tree.path}/${tags}/out/current`, { recursive: true });
  Deno.symlinkSync(`${outside.path}/link`, `${tree.path}/${tags}/out/current/link`);
  Deno.symlinkSync(outside.path, `${tree.path}/${repositories}/elsewhere`);
  const stolen = makeBlob(8);
  const thief = makeManifest(config, [stolen]);
  tree.blob("thief", config).blob("thief", stolen).manifest("thief", thief, "v1");
  const data = `${tree.path}/docker/registry/v2/blobs/sha256/${stolen.digest.slice(7, 9)}/${
    stolen.digest.slice(7)
  }/data`;
  Deno.removeSync(data);
  Deno.symlinkSync(`${outside.path}/secret`, data);
  const { refusals, tags: counted } = await importTree(registry, "distribution", tree);
  assert.equal(counted.came, 1);
  assert.equal(await tagged(registry, "app", "good"), image.digest);
  const reasons = Object.fromEntries(refusals.map(({ subject, why }) => [subject.slice(0, 40), why]));
  for (const name of ["empty", "text", "up", "json"]) {
    assert.equal(reasons[`app:${name}`], "its link holds no digest");
  }
  assert.match(reasons["app:huge"]!, /100000 bytes, at most 65536/);
  assert.match(reasons["app:out"]!, /is no file, and links are not followed/);
  assert.match(reasons['repository "UPPER"']!, /no repository name/);
  assert.match(reasons['repository "elsewhere"']!, /links are not followed/);
  assert.match(JSON.stringify(refusals), /links are not followed/);
  // What lies outside is not told.
  assert.doesNotMatch(JSON.stringify(refusals), /password|root:/);
  assert.equal(
    await registry.metadata.hasRepository("thief" as RepositoryName) && await tagged(registry, "thief", "v1"),
    undefined,
  );
});

Deno.test("a pipe in the place of a file does not hold the import up", async () => {
  const [registry, config] = [makeModelRegistry(), makeBlob()];
  const image = makeManifest(config);
  using tree = new LinkTree();
  tree.blob("app", config).manifest("app", image, "v1");
  const data = `${tree.path}/docker/registry/v2/blobs/sha256/${config.digest.slice(7, 9)}/${
    config.digest.slice(7)
  }/data`;
  Deno.removeSync(data);
  await new Deno.Command("mkfifo", { args: [data] }).output();
  const { refusals } = await importTree(registry, "distribution", tree);
  assert.match(refusals[0]!.why, /is no file/);
});

Deno.test("a path that leads out of the folder is refused by the folder itself, whoever asks", async () => {
  const { DirectoryTree } = await import("../../src/storage/files/directory_tree.ts");
  using folder = new ForeignFolder();
  folder.write("inside/file", "x").write("secret", "y");
  using tree = await DirectoryTree.open(`${folder.path}/inside`);
  Deno.symlinkSync(folder.path, `${folder.path}/inside/up`);
  for (const path of ["../secret", "up/secret", "/etc/passwd", "./file", "a//b", "file\0"]) {
    await assert.rejects(
      async () => await tree.read(path, 0, new Uint8Array(1)),
      { name: "SourceFault" },
      path,
    );
    await assert.rejects(async () => await tree.sizeOf(path), { name: "SourceFault" }, path);
  }
  assert.equal(await tree.list("up/inside").catch(() => "refused"), "refused");
  assert.equal(await tree.sizeOf("none"), undefined);
  assert.equal(await tree.sizeOf("file/below"), undefined);
  assert.equal(await tree.list("file"), undefined);
});

Deno.test("many readers of more files than are kept open do not close each other's", async () => {
  const { DirectoryTree } = await import("../../src/storage/files/directory_tree.ts");
  using folder = new ForeignFolder();
  const [files, piece] = [60, 4096];
  for (let i = 0; i < files; i++) folder.write(`file${i}`, new Uint8Array(4 * piece).fill(i));
  using tree = await DirectoryTree.open(folder.path);
  await Promise.all(Array.from({ length: 24 }, async (_, reader) => {
    for (let n = 0; n < 200; n++) {
      const file = (reader * 7 + Math.floor(n / 4) * 5) % files;
      const bytes = new Uint8Array(piece);
      assert.equal(await tree.read(`file${file}`, (n % 4) * piece, bytes), piece);
      assert.ok(bytes.every((byte) => byte === file));
    }
  }));
});

/** An OCI image layout of one image. */
function writeLayout(
  folder: ForeignFolder,
  path: string,
  image: ManifestContent,
  blobs: readonly { digest: string; bytes: Uint8Array }[],
  name?: string,
) {
  const at = (file: string) => path === "" ? file : `${path}/${file}`;
  for (const { digest, bytes } of [image, ...blobs]) {
    folder.write(at(`blobs/${digest.replace(":", "/")}`), bytes);
  }
  folder.write(at("oci-layout"), '{"imageLayoutVersion":"1.0.0"}').write(
    at("index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{
        ...descriptorOf(image, image.mediaType),
        ...(name !== undefined && { annotations: { "org.opencontainers.image.ref.name": name } }),
      }],
    }),
  );
}

Deno.test("a tree of layouts comes with a repository for each, named by its folder, as zot keeps it", async () => {
  const [registry, config] = [makeModelRegistry(), makeBlob()];
  const images = ["1", "2", "3"].map((n) => makeManifest(config, [], { annotations: { n } }));
  using folder = new ForeignFolder();
  writeLayout(folder, "alpine", images[0]!, [config], "3.20");
  writeLayout(folder, "team/app", images[1]!, [config], "v1");
  writeLayout(folder, "team/app/sub", images[2]!, [config]);
  writeLayout(folder, "_trivy", images[2]!, [config], "no");
  folder.write("cache.db", "x").write("Bad Name/file", "x").write("broken/index.json", "{").write(
    "broken/blobs/x",
    "",
  );
  const report = await importTree(registry, "layout", folder, { prefix: "old/" });
  assert.deepEqual([report.repositories, report.tags.came, report.manifests.came], [3, 2, 3]);
  assert.equal(await tagged(registry, "old/alpine", "3.20"), images[0]!.digest);
  assert.equal(await tagged(registry, "old/team/app", "v1"), images[1]!.digest);
  assert.deepEqual(report.refusals.map(({ subject }) => subject).sort(), [
    'folder "Bad Name"',
    'layout "broken"',
  ]);
});

Deno.test("one layout comes into the repository that is asked for, and without one says what to do", async () => {
  const [registry, config] = [makeModelRegistry(), makeBlob()];
  const image = makeManifest(config);
  using folder = new ForeignFolder();
  writeLayout(folder, "", image, [config], "v1");
  const { refusals } = await importTree(registry, "layout", folder);
  assert.match(refusals[0]!.why, /add --repository NAME/);
  await importTree(registry, "layout", folder, { repository: "app" });
  assert.equal(await tagged(registry, "app", "v1"), image.digest);
});

Deno.test("what is no directory of the kind is refused as a whole, with what it should have", async () => {
  const registry = makeModelRegistry();
  using folder = new ForeignFolder();
  folder.write("something/else", "x");
  await assert.rejects(importTree(registry, "distribution", folder), /no data directory of distribution/);
  await assert.rejects(importTree(registry, "simple-registry", folder), /no data directory of the original/);
  await assert.rejects(importTree(registry, "layout", folder), /no OCI image layout/);
  await assert.rejects(
    importTree(registry, "layout", folder, { repository: "a" }),
    /--repository is for one layout/,
  );
  folder.write("registry.db", "x");
  await assert.rejects(importTree(registry, "simple-registry", folder), /data directory of this program/);
});
