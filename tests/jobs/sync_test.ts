/** What a copy from another registry brings, what it asks for, and what it does when the other one breaks. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { parsePlatform } from "../../src/core/platform_selection.ts";
import { parseTagSelector } from "../../src/core/tag_selector.ts";
import { type Copy, type CopyFailure, type CopyReport, isWhole, sync } from "../../src/jobs/sync.ts";
import {
  buildImage,
  buildIndex,
  type Content,
  describeContent,
  listContents,
  makeContent,
  makeJsonContent,
  randomBytes,
} from "../harness/build_images.ts";
import { until } from "../harness/until.ts";
import { makeClient as makeHttpClient } from "../http/request_builder.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { repo, tag } from "../storage/temp_storage.ts";
import { ScriptedUpstream, sendJson } from "../upstream/scripted_upstream.ts";
import { makeClient } from "../upstream/upstream_trial.ts";

const APP = "team/app";
const HERE = repo("mirror/app");
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

interface Choice {
  readonly tags?: readonly string[];
  readonly digests?: readonly string[];
  readonly platforms?: readonly string[];
  readonly referrers?: boolean;
}

function makeCopy(
  upstream: ScriptedUpstream,
  { tags = [], digests = [], platforms = [], referrers = true }: Choice,
): Copy {
  const { host, url } = upstream;
  return {
    from: `${host}/${APP}`,
    remote: repo(APP),
    to: HERE,
    tags: tags.map((text) => parseTagSelector(text)!),
    digests: digests as Digest[],
    platforms: platforms.map((text) => parsePlatform(text)!),
    referrers,
    open: () => makeClient({ url, readTimeoutMs: 1000 }),
  };
}

async function run(
  registry: ModelRegistry,
  copies: readonly Copy[],
  { dryRun = false, signal = new AbortController().signal, progress = (_: number) => {} } = {},
) {
  return await sync({ registry, copies, dryRun, signal, progress: (_, done) => progress(done) });
}

async function copyOnce(upstream: ScriptedUpstream, registry: ModelRegistry, choice: Choice, dryRun = false) {
  const report = await run(registry, [makeCopy(upstream, choice)], { dryRun });
  return { report, copy: report.copies[0] as CopyReport };
}

async function tagged({ metadata }: ModelRegistry, name: string) {
  return (await metadata.findManifest(HERE, { kind: "tag", tag: tag(name) }))?.digest as string | undefined;
}

async function has({ metadata }: ModelRegistry, { digest }: Content): Promise<boolean> {
  return await metadata.findManifest(HERE, { kind: "digest", digest: digest as Digest }) !== undefined;
}

Deno.test("a copy brings the chosen tags with all that belongs to them, and no other", async () => {
  await using upstream = await ScriptedUpstream.start();
  const [old, current, other] = [buildImage(), buildImage({ docker: true }), buildImage()];
  upstream.addImage(APP, old, "3.18.1");
  upstream.addImage(APP, current, "3.20", "latest");
  upstream.addImage(APP, other, "4.0");
  const registry = makeModelRegistry();
  const { report, copy } = await copyOnce(upstream, registry, { tags: ["latest", ">=3.19 <4"] });
  assert.deepEqual(copy.refusals, []);
  assert.ok(isWhole(report));
  assert.deepEqual([copy.tags.came, copy.manifests.came, copy.blobs.came], [2, 1, 3]);
  assert.equal(await tagged(registry, "3.20"), current.manifest.digest);
  assert.equal(await tagged(registry, "latest"), current.manifest.digest);
  assert.equal(await tagged(registry, "4.0"), undefined);
  assert.equal(await has(registry, old.manifest), false);
});

Deno.test("a copy of what is here already asks for heads of tags, and for no manifest and no blob", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addImage(APP, buildIndex(), "v1");
  const registry = makeModelRegistry();
  await copyOnce(upstream, registry, { tags: ["v1"] });
  upstream.asked.length = 0;
  const { copy } = await copyOnce(upstream, registry, { tags: ["v1"] });
  assert.deepEqual([copy.tags.there, copy.manifests.there, copy.bytes], [1, 3, 0]);
  assert.equal(upstream.count("GET", /manifests|blobs/), 0);
});

Deno.test("of an index the manifests of other platforms stay there, and its digest is what it was", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildIndex();
  const [amd64, arm64] = built.images;
  upstream.addImage(APP, built, "v1");
  const registry = makeModelRegistry();
  const { report, copy } = await copyOnce(upstream, registry, { tags: ["v1"], platforms: ["linux/amd64"] });
  assert.ok(isWhole(report));
  assert.equal(copy.absent_children, 1);
  assert.equal(await tagged(registry, "v1"), built.index.digest);
  assert.deepEqual([await has(registry, amd64!.manifest), await has(registry, arm64!.manifest)], [
    true,
    false,
  ]);
  assert.equal(upstream.count("GET", new RegExp(arm64!.manifest.digest)), 0);
  // What was left out is brought when it is asked for.
  await copyOnce(upstream, registry, { tags: ["v1"], platforms: ["linux/arm64"] });
  assert.equal(await has(registry, arm64!.manifest), true);
});

Deno.test("an index that has none of the platforms does not come, and the reason names them", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addImage(APP, buildIndex(), "v1");
  upstream.addImage(APP, buildImage(), "v2");
  const registry = makeModelRegistry();
  const { report, copy } = await copyOnce(upstream, registry, {
    tags: ["v1", "v2"],
    platforms: ["windows/amd64"],
  });
  assert.equal(isWhole(report), false);
  assert.match(copy.refusals[0]!.why, /^it is for none of windows\/amd64$/);
  assert.notEqual(await tagged(registry, "v2"), undefined, "one that says no platform is for everybody");
});

Deno.test("signatures come with what they are about: by the referrers API, by tags, and signatures of signatures", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildIndex();
  const signature = buildImage({ subject: built.images[0]!.manifest });
  const counter = buildImage({ subject: signature.manifest });
  const cosign = buildImage();
  upstream.addImage(APP, built, "v1");
  for (
    const [referrer, subject] of [[signature, built.images[0]!.manifest], [
      counter,
      signature.manifest,
    ]] as const
  ) {
    upstream.addImage(APP, referrer);
    upstream.addReferrer(APP, subject.digest, describeContent(referrer.manifest));
  }
  const companion = `${built.index.digest.replace(":", "-")}.sig`;
  upstream.addImage(APP, cosign, companion);
  const registry = makeModelRegistry();
  const { copy } = await copyOnce(upstream, registry, { tags: ["v1"], referrers: false });
  assert.deepEqual([copy.refused, await has(registry, signature.manifest)], [0, false]);
  await copyOnce(upstream, registry, { tags: ["v1"] });
  assert.deepEqual([await has(registry, signature.manifest), await has(registry, counter.manifest)], [
    true,
    true,
  ]);
  assert.equal(await tagged(registry, companion), cosign.manifest.digest);
});

Deno.test("platforms that nobody wants stay there, also where the registry takes the fallback tag of an index for its digest", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildIndex();
  upstream.addImage(APP, built, "v1", built.index.digest.replace(":", "-"));
  upstream.script = ({ path }, response) => {
    if (!path.includes("/referrers/")) return false;
    sendJson(response, 404, {});
    return true;
  };
  const registry = makeModelRegistry();
  await copyOnce(upstream, registry, { tags: ["v1"], platforms: ["linux/amd64"] });
  const [amd64, arm64] = built.images;
  assert.deepEqual([await has(registry, amd64!.manifest), await has(registry, arm64!.manifest)], [
    true,
    false,
  ]);
});

Deno.test("a list of referrers that the other registry cannot give keeps back no other one", async () => {
  await using upstream = await ScriptedUpstream.start();
  const [first, second] = [buildImage(), buildImage()];
  const signature = buildImage({ subject: second.manifest });
  upstream.addImage(APP, first, "v1");
  upstream.addImage(APP, second, "v2");
  upstream.addImage(APP, signature);
  upstream.addReferrer(APP, second.manifest.digest, describeContent(signature.manifest));
  upstream.script = ({ path }, response) => {
    if (!path.endsWith(`/referrers/${first.manifest.digest}`)) return false;
    sendJson(response, 500, {});
    return true;
  };
  const registry = makeModelRegistry();
  const { report, copy } = await copyOnce(upstream, registry, { tags: ["v1", "v2"] });
  assert.equal(isWhole(report), false);
  assert.deepEqual(copy.refusals.map(({ subject }) => subject), [
    `referrers of ${HERE}@${first.manifest.digest}`,
  ]);
  assert.match(copy.refusals[0]!.why, /answers 500/);
  assert.equal(await has(registry, signature.manifest), true);
});

Deno.test("a manifest comes by its digest, also where no tag names it", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildImage();
  upstream.addImage(APP, built);
  const registry = makeModelRegistry();
  const { report } = await copyOnce(upstream, registry, { digests: [built.manifest.digest] });
  assert.ok(isWhole(report));
  assert.equal(await has(registry, built.manifest), true);
});

Deno.test("a dry run says what would come, changes nothing and reads no blob", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildImage({ layerSizes: [5000] });
  upstream.addImage(APP, built, "v1");
  const registry = makeModelRegistry();
  const { copy } = await copyOnce(upstream, registry, { tags: ["v1"] }, true);
  assert.deepEqual([copy.dry_run, copy.tags.came, copy.manifests.came, copy.blobs.came], [true, 1, 1, 2]);
  assert.equal(upstream.count("GET", /blobs/), 0);
  assert.equal(await has(registry, built.manifest), false);
});

Deno.test("a transfer that breaks goes on where it was", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildImage({ layerSizes: [600_000] });
  const layer = built.layers[0]!;
  upstream.addImage(APP, built, "v1");
  let cuts = 0;
  upstream.script = (asked, response) => {
    if (!asked.path.includes(`blobs/${layer.digest}`) || cuts === 2) return false;
    const start = Number(/[0-9]+/.exec(asked.headers.range as string ?? "0")![0]);
    cuts++;
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": layer.bytes.length - start,
      ...(start > 0 && { "content-range": `bytes ${start}-${layer.bytes.length - 1}/${layer.bytes.length}` }),
    });
    response.write(layer.bytes.subarray(start, start + 200_000), () => response.destroy());
    return true;
  };
  const registry = makeModelRegistry();
  const { report } = await copyOnce(upstream, registry, { tags: ["v1"] });
  assert.ok(isWhole(report), JSON.stringify(report));
  const asked = upstream.asked.filter(({ path }) => path.includes(layer.digest));
  assert.equal(cuts, 2);
  assert.ok(asked.length === 3 && Number(/[0-9]+/.exec(asked[2]!.headers.range as string)![0]) > 200_000);
});

Deno.test("an upstream that sends other bytes gets nothing in, and the rest comes", async () => {
  await using upstream = await ScriptedUpstream.start();
  const [good, bad] = [buildImage(), buildImage()];
  upstream.addImage(APP, good, "good");
  upstream.addImage(APP, bad, "bad");
  const layer = bad.layers[0]!;
  upstream.addBlob(APP, { ...layer, bytes: layer.bytes.map((byte) => byte ^ 1) });
  const registry = makeModelRegistry();
  const { copy } = await copyOnce(upstream, registry, { tags: ["*"] });
  assert.deepEqual([copy.tags.came, copy.refused], [1, 1]);
  assert.match(copy.refusals[0]!.why, /is damaged there: its bytes have another digest/);
  assert.equal(await tagged(registry, "bad"), undefined);
});

Deno.test("a manifest that names a blob of another repository here is no right to it where the upstream lacks it", async () => {
  await using upstream = await ScriptedUpstream.start();
  const registry = makeModelRegistry();
  const [secret, base] = [randomBytes(1000), randomBytes(1000)].map((bytes) => makeContent(LAYER, bytes));
  for (const { digest, bytes } of [secret!, base!]) {
    const target = `/v2/private/app/blobs/uploads/?digest=${digest}`;
    assert.equal((await makeHttpClient(registry).send("POST", target, { body: bytes })).status, 201);
  }
  const { config } = buildImage();
  const image = (...layers: unknown[]) =>
    makeJsonContent(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describeContent(config),
      layers,
    });
  const mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
  upstream.addBlob(APP, config);
  upstream.addBlob(APP, base!);
  // Registries take manifests whose layers are said to be elsewhere.
  upstream.addManifest(
    APP,
    image({ ...describeContent(secret!), mediaType, urls: ["https://x.test/"] }),
    "foreign",
  );
  upstream.addManifest(APP, image(describeContent(secret!)), "layer");
  upstream.addManifest(APP, image(describeContent(base!)), "honest");
  const { copy } = await copyOnce(upstream, registry, { tags: ["*"] });
  assert.deepEqual(copy.refusals.map(({ why }) => why), [`its blob ${secret!.digest} is not there`]);
  assert.deepEqual([copy.tags.came, copy.blobs.shared], [2, 1]);
  assert.equal(upstream.count("GET", new RegExp(base!.digest)), 0, "what both have does not move");
  assert.equal(await registry.metadata.findBlob(HERE, secret!.digest as Digest), undefined);
});

Deno.test("blobs of another size than their manifests say are left at once, so that a hundred of them use up no connections", async () => {
  await using upstream = await ScriptedUpstream.start();
  const images = Array.from({ length: 100 }, () => buildImage({ layerSizes: [100] }));
  for (const [index, image] of images.entries()) upstream.addImage(APP, image, `v${index}`);
  const layers = new Set(images.map(({ layers }) => layers[0]!.digest));
  let open = 0;
  upstream.script = ({ path }, response) => {
    if (!layers.has(path.split("/").at(-1)!)) return false;
    open++;
    response.on("close", () => open--);
    // Its head, and no byte of it: whoever waits for the end waits for good.
    response.writeHead(200, { "content-length": 1_000_000_000 });
    response.flushHeaders();
    return true;
  };
  const { copy } = await copyOnce(upstream, makeModelRegistry(), { tags: ["*"] });
  assert.deepEqual([copy.complete, copy.tags.came, copy.refused], [true, 0, 100]);
  assert.match(copy.refusals[0]!.why, /has 1000000000 bytes there, and the manifest says that it has/);
  await until(() => open === 0);
});

Deno.test("what the upstream lacks is named, and a registry that does not answer fails its copy and no other", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addImage(APP, buildImage(), "v1");
  const registry = makeModelRegistry();
  const gone = await ScriptedUpstream.start();
  const [dead, host] = [makeCopy(gone, { tags: ["v1"] }), gone.host];
  await gone[Symbol.asyncDispose]();
  const report = await run(registry, [dead, makeCopy(upstream, { tags: ["v1", "v9"] })]);
  assert.equal(isWhole(report), false);
  assert.match((report.copies[0] as CopyFailure).failed, new RegExp(host));
  const second = report.copies[1] as CopyReport;
  assert.deepEqual([second.tags.came, second.refused], [1, 1]);
  assert.equal(second.refusals[0]!.why, `${upstream.url} has no ${APP}:v9`);
});

Deno.test("a repository that is not there is said to be so", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { copy } = await copyOnce(upstream, makeModelRegistry(), { tags: ["*"] });
  assert.match(copy.refusals[0]!.why, /has no repository "team\/app"/);
});

Deno.test("a run that is stopped ends in order, and the next one goes on with what is missing", async () => {
  await using upstream = await ScriptedUpstream.start();
  const images = [1, 2, 3].map(() => buildImage({ layerSizes: [100_000] }));
  for (const [index, image] of images.entries()) upstream.addImage(APP, image, `v${index}`);
  const registry = makeModelRegistry();
  const stop = new AbortController();
  const total = images[0]!.layers[0]!.bytes.length;
  const report = await run(registry, [makeCopy(upstream, { tags: ["*"] })], {
    signal: stop.signal,
    progress: (done) => done > total && stop.abort(),
  });
  assert.equal(report.complete, false);
  const { copy } = await copyOnce(upstream, registry, { tags: ["*"] });
  assert.equal(copy.complete, true);
  assert.ok(copy.tags.came > 0 && copy.tags.there > 0, JSON.stringify(copy.tags));
  for (const content of images.flatMap(listContents)) {
    if (content.mediaType.includes("manifest")) assert.equal(await has(registry, content), true);
  }
});
