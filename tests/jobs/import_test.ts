/** What an import promises, whatever it reads from. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { OciError } from "../../src/core/oci_error.ts";
import type { ImportReport } from "../../src/jobs/import_report.ts";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import { descriptorOf, makeBlob, makeIndex, makeManifest } from "../http/content.ts";
import { utf8 } from "../model/bytes.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { repo, tag } from "../storage/temp_storage.ts";
import { importAll, MemorySource } from "./import_trial.ts";

const APP = repo("team/app");

/** An image for two platforms with a signature, tagged; `loose` is a manifest that nothing names. */
function makeSource() {
  const [config, shared, own, other] = [makeBlob(), makeBlob(300), makeBlob(), makeBlob()];
  const [amd64, arm64] = [makeManifest(config, [shared, own]), makeManifest(config, [shared, other])];
  const index = makeIndex([amd64, arm64]);
  const signature = makeManifest(config, [], { subject: descriptorOf(index, index.mediaType) });
  const loose = makeManifest(config, [own]);
  const source = new MemorySource()
    .put(APP, config, shared, own, other, amd64, arm64, index, signature, loose)
    .list(APP, index, "v1", "latest").list(APP, signature).list(APP, loose);
  return { source, config, shared, own, other, amd64, arm64, index, signature, loose };
}

/** What a report counts. */
function counts({ repositories, manifests, tags, blobs, refused, absent_children }: ImportReport) {
  return {
    repositories,
    manifests: [manifests.came, manifests.there],
    tags: [tags.came, tags.there],
    blobs: [blobs.came, blobs.there, blobs.shared],
    refused,
    absent_children,
  };
}

async function manifestsOf({ metadata }: ModelRegistry, digests: readonly Digest[], repository = APP) {
  const found = [];
  for (const digest of digests) {
    found.push((await metadata.findManifest(repository, { kind: "digest", digest }))?.bytes);
  }
  return found;
}

async function tagged({ metadata }: ModelRegistry, name: string, repository = APP) {
  return (await metadata.findManifest(repository, { kind: "tag", tag: tag(name) }))?.digest;
}

Deno.test("an import brings indexes, their manifests, referrers, untagged manifests and tags byte for byte", async () => {
  const registry = makeModelRegistry();
  const { source, amd64, arm64, index, signature, loose, shared } = makeSource();
  const report = await importAll(registry, source);
  assert.deepEqual(counts(report), {
    repositories: 1,
    manifests: [5, 0],
    tags: [2, 0],
    blobs: [4, report.blobs.there, 0],
    refused: 0,
    absent_children: 0,
  });
  const all = [amd64, arm64, index, signature, loose];
  assert.deepEqual(await manifestsOf(registry, all.map((m) => m.digest)), all.map((m) => m.bytes));
  assert.deepEqual([await tagged(registry, "v1"), await tagged(registry, "latest")], [
    index.digest,
    index.digest,
  ]);
  const referrers = await registry.metadata.listReferrers(APP, index.digest, { limit: 10 });
  assert.deepEqual(referrers.map((r) => r.digest), [signature.digest]);
  assert.equal((await registry.metadata.findBlob(APP, shared.digest))?.size, 300);
});

Deno.test("importing again changes nothing and reads no blob", async () => {
  const registry = makeModelRegistry();
  const { source } = makeSource();
  const first = await importAll(registry, source);
  source.asked.length = 0;
  const second = await importAll(registry, source);
  assert.deepEqual(counts(second), {
    ...counts(first),
    manifests: [0, 5],
    tags: [0, 2],
    blobs: [0, second.blobs.there, 0],
  });
  assert.deepEqual([second.bytes, source.asked], [0, []]);
});

Deno.test("a blob that another repository has is shared and not stored again, where the source has its bytes", async () => {
  const registry = makeModelRegistry();
  const { source, config, shared, own } = makeSource();
  await importAll(registry, source);
  const copy = makeManifest(config, [shared, own]);
  const other = new MemorySource().put("copy", config, shared, own, copy).list("copy", copy, "v1");
  const report = await importAll(registry, other);
  assert.deepEqual([report.blobs, report.bytes, report.refused], [{ came: 0, there: 0, shared: 3 }, 0, 0]);
  assert.equal(await tagged(registry, "v1", repo("copy")), copy.digest);
});

Deno.test("to know the digest of somebody's blob is no right to it: the source has to have its bytes", async () => {
  const registry = makeModelRegistry();
  const { source, config, shared } = makeSource();
  await importAll(registry, source);
  const [lacking, lying] = [
    makeManifest(config, [shared]),
    makeManifest(config, [shared], { annotations: {} }),
  ];
  const thief = new MemorySource()
    .put("thief", config, lacking).list("thief", lacking, "v1")
    // Bytes of the right number under the right name.
    .put("liar", config, { digest: shared.digest, bytes: makeBlob(300).bytes }, lying).list(
      "liar",
      lying,
      "v1",
    );
  const { refusals } = await importAll(registry, thief);
  assert.deepEqual(
    refusals.map(({ why }) => why.replace(/sha256:[0-9a-f]+/, "...")).sort(),
    [
      "blob ... is damaged there: its bytes have another digest",
      "its blob ... is not there",
    ].sort(),
  );
  for (const name of ["thief", "liar"]) {
    assert.equal(await registry.metadata.findBlob(repo(name), shared.digest), undefined);
  }
});

Deno.test("what a source left out because it is here already is taken from whoever holds it", async () => {
  const registry = makeModelRegistry();
  const { source, config, shared } = makeSource();
  await importAll(registry, source);
  const next = makeManifest(config, [shared]);
  const later = new MemorySource().put("next", next).list("next", next, "v1");
  const leaving = Object.assign(later, { leavesOut: () => true });
  const report = await importAll(registry, leaving);
  assert.deepEqual([report.blobs.shared, report.refused], [2, 0]);
});

Deno.test("a blob whose bytes are not those of its digest never becomes visible, and neither does its manifest", async () => {
  const registry = makeModelRegistry();
  const [config, good, bad] = [makeBlob(), makeBlob(), makeBlob()];
  const damaged = makeManifest(config, [good, bad]);
  const whole = makeManifest(config, [good]);
  const source = new MemorySource().put(APP, config, good, damaged, whole)
    .put(APP, { digest: bad.digest, bytes: makeBlob().bytes })
    .list(APP, damaged, "broken").list(APP, whole, "fine");
  const report = await importAll(registry, source);
  assert.deepEqual(report.refusals, [{
    subject: `${APP}@${damaged.digest} (broken)`,
    why: `blob ${bad.digest} is damaged there: its bytes have another digest`,
  }]);
  assert.equal(await registry.metadata.findBlob(APP, bad.digest), undefined);
  assert.deepEqual([await tagged(registry, "broken"), await tagged(registry, "fine")], [
    undefined,
    whole.digest,
  ]);
  assert.deepEqual(await manifestsOf(registry, [damaged.digest]), [undefined]);
});

Deno.test("a manifest whose bytes are not those of its digest does not come", async () => {
  const registry = makeModelRegistry();
  const [config, other] = [makeBlob(), makeManifest(makeBlob())];
  const manifest = makeManifest(config);
  const source = new MemorySource().put(APP, config, { digest: manifest.digest, bytes: other.bytes })
    .list(APP, manifest, "v1");
  const { refusals } = await importAll(registry, source);
  assert.deepEqual(refusals.map(({ why }) => why), ["it is damaged there: its bytes have another digest"]);
  assert.equal(await tagged(registry, "v1"), undefined);
});

Deno.test("a manifest whose blob, or a tag whose manifest, is nowhere is named, and everything else comes", async () => {
  const registry = makeModelRegistry();
  const [config, gone] = [makeBlob(), makeBlob()];
  const [whole, lacking, nowhere] = [
    makeManifest(config),
    makeManifest(config, [gone]),
    makeManifest(makeBlob()),
  ];
  const source = new MemorySource().put(APP, config, whole, lacking)
    .list(APP, lacking, "a").list(APP, nowhere, "b").list(APP, whole, "c");
  const { refusals, tags } = await importAll(registry, source);
  assert.deepEqual(refusals, [
    { subject: `${APP}@${lacking.digest} (a)`, why: `its blob ${gone.digest} is not there` },
    { subject: `${APP}@${nowhere.digest} (b)`, why: "its bytes are not there" },
  ]);
  assert.equal(tags.came, 1);
});

Deno.test("an index may lack some of its manifests; one that stands under a tag of its own may not", async () => {
  const registry = makeModelRegistry();
  const config = makeBlob();
  const [here, gone] = [makeManifest(config), makeManifest(makeBlob())];
  const index = makeIndex([here, gone]);
  const source = new MemorySource().put(APP, config, here, index).list(APP, index, "v1").list(
    APP,
    gone,
    "v2",
  );
  const report = await importAll(registry, source);
  assert.deepEqual([report.absent_children, report.tags.came], [1, 1]);
  assert.deepEqual(report.refusals, [
    { subject: `${APP}@${gone.digest} (v2)`, why: "its bytes are not there" },
  ]);
});

Deno.test("entries of an index that are no manifests come as blobs, as a cache of builds has them", async () => {
  const registry = makeModelRegistry();
  const layer = makeBlob();
  const index = makeIndex([{ ...layer, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }]);
  await importAll(registry, new MemorySource().put(APP, layer, index).list(APP, index, "cache"));
  assert.equal(await tagged(registry, "cache"), index.digest);
  assert.equal((await registry.metadata.findBlob(APP, layer.digest))?.size, 100);
});

Deno.test("a thousand indexes inside each other come without a thousand calls inside each other", async () => {
  const registry = makeModelRegistry();
  const config = makeBlob();
  const source = new MemorySource().put(APP, config);
  let top = makeManifest(config);
  source.put(APP, top);
  for (let depth = 0; depth < 1000; depth++) {
    top = makeIndex([top]);
    source.put(APP, top);
  }
  const report = await importAll(registry, source.list(APP, top, "deep"));
  assert.deepEqual([report.manifests.came, report.refused], [1001, 0]);
});

Deno.test("an immutable tag stays what it is, the same content is no conflict, and the other tags of a manifest come", async () => {
  const registry = {
    ...makeModelRegistry(),
    rulesOf: () => ({ ...NO_RULES, isImmutable: (name: string) => name.startsWith("v") }),
  };
  const config = makeBlob();
  const [old, now] = [makeManifest(config), makeManifest(config, [makeBlob(0)])];
  const before = new MemorySource().put(APP, config, old).list(APP, old, "v1");
  await importAll(registry, before);
  assert.deepEqual((await importAll(registry, before)).refused, 0);
  const moved = new MemorySource().put(APP, config, now, makeBlob(0)).list(APP, now, "v1", "v2", "edge");
  const { refusals, tags } = await importAll(registry, moved);
  assert.equal(refusals.length, 1);
  assert.match(refusals[0]!.why, /tag "v1" .* is immutable/);
  assert.equal(tags.came, 2);
  assert.deepEqual([await tagged(registry, "v1"), await tagged(registry, "v2")], [old.digest, now.digest]);
});

Deno.test("a quota refuses what is too much, with its sentence, and nothing of it stays", async () => {
  const registry = { ...makeModelRegistry(), rulesOf: () => ({ ...NO_RULES, quota: { bytes: 1000 } }) };
  const [config, large] = [makeBlob(), makeBlob(2000)];
  const manifest = makeManifest(config, [large]);
  const source = new MemorySource().put(APP, config, large, manifest).list(APP, manifest, "v1");
  const { refusals } = await importAll(registry, source);
  assert.match(refusals[0]!.why, /its whole quota is 1000 bytes/);
  assert.equal(await registry.metadata.findBlob(APP, large.digest), undefined);
});

Deno.test("what is no manifest is refused, with what is wrong with it", async () => {
  const registry = makeModelRegistry();
  const source = new MemorySource();
  const texts = ["no JSON", "[]", '{"schemaVersion":1,"fsLayers":[]}', '{"schemaVersion":2,"mediaType":"x"}'];
  for (const text of texts) {
    const bytes = utf8(text);
    const content = { bytes, digest: registry.hasher.digestOf(bytes, "sha256") };
    source.put(APP, content).list(APP, content);
  }
  const { refusals, manifests } = await importAll(registry, source);
  assert.deepEqual([refusals.length, manifests.came], [4, 0]);
  assert.match(refusals[2]!.why, /schema 1 is not supported/);
});

Deno.test("a dry run says what would come, once for each blob, reads no blob and changes nothing", async () => {
  const registry = makeModelRegistry();
  const { source, config, shared, own, other } = makeSource();
  source.onChunk = (digest) => assert.fail(`read ${digest}`);
  const dry = await importAll(registry, source, { dryRun: true });
  assert.equal(await registry.metadata.hasRepository(APP), false);
  source.onChunk = () => {};
  const real = await importAll(registry, source);
  assert.deepEqual([dry.manifests, dry.tags, dry.bytes], [real.manifests, real.tags, real.bytes]);
  assert.equal(dry.blobs.came, 4);
  assert.equal(dry.bytes, [config, shared, own, other].reduce((sum, { bytes }) => sum + bytes.length, 0));
});

Deno.test("an import that is stopped keeps what came, says so, and the next one brings the rest", async () => {
  const registry = makeModelRegistry();
  const { source, index, own } = makeSource();
  const stop = new AbortController();
  source.onChunk = (digest) => {
    if (digest === own.digest) stop.abort();
  };
  const first = await importAll(registry, source, { signal: stop.signal });
  assert.deepEqual([first.complete, await tagged(registry, "v1")], [false, undefined]);
  source.onChunk = () => {};
  const second = await importAll(registry, source);
  assert.deepEqual([second.complete, second.refused], [true, 0]);
  assert.equal(await tagged(registry, "v1"), index.digest);
});

Deno.test("repositories come beside each other where the source says so, all of them and once each", async () => {
  const registry = makeModelRegistry();
  const shared = makeBlob(500);
  const source = Object.assign(new MemorySource(), { repositoriesAtOnce: 3 });
  const images = Array.from({ length: 10 }, (_, n) => {
    const [config, image] = [makeBlob(), makeManifest(shared, [], { annotations: { n: `${n}` } })];
    source.put(`r${n}`, config, shared, image).list(`r${n}`, image, "v1");
    return image;
  });
  const reading = new Set<number>();
  let most = 0;
  const findBlob = source.findBlob.bind(source);
  source.findBlob = async (repository, digest) => {
    reading.add(Number(repository.slice(1)));
    most = Math.max(most, reading.size);
    await new Promise((resolve) => setTimeout(resolve));
    reading.delete(Number(repository.slice(1)));
    return await findBlob(repository, digest);
  };
  const report = await importAll(registry, source);
  assert.deepEqual([report.repositories, report.manifests.came, report.refused, most], [10, 10, 0, 3]);
  for (const [n, image] of images.entries()) {
    assert.equal(await tagged(registry, "v1", repo(`r${n}`)), image.digest);
    assert.equal((await registry.metadata.findBlob(repo(`r${n}`), shared.digest))?.size, 500);
  }
});

Deno.test("a full disk ends the import instead of being told of each blob", async () => {
  const registry = makeModelRegistry();
  const { source } = makeSource();
  source.onChunk = () => {
    throw new OciError("INSUFFICIENT_STORAGE");
  };
  await assert.rejects(importAll(registry, source), { code: "INSUFFICIENT_STORAGE" });
});

Deno.test("blobs that a collection takes while the others of their manifest come are brought again", async () => {
  const registry = makeModelRegistry();
  const [config, slow] = [makeBlob(), makeBlob()];
  const manifest = makeManifest(config, [slow]);
  const { metadata } = registry;
  const putManifest = metadata.putManifest.bind(metadata);
  let taken = false;
  metadata.putManifest = async (push) => {
    if (!taken) await metadata.deleteBlob(APP, config.digest);
    taken = true;
    return await putManifest(push);
  };
  const source = new MemorySource().put(APP, config, slow, manifest).list(APP, manifest, "v1");
  assert.equal((await importAll(registry, source)).refused, 0);
  assert.equal(await tagged(registry, "v1"), manifest.digest);
});
