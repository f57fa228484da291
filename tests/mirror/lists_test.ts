/** Lists of a mirror: tags and referrers of the upstream beside those that are here. */
import assert from "node:assert/strict";
import { buildImage, describeContent, makeJsonContent } from "../harness/build_images.ts";
import { sendJson } from "../upstream/scripted_upstream.ts";
import { APP, openTrial, REMOTE } from "./mirror_trial.ts";

const TAGS = `/v2/${APP}/tags/list`;
const STALE = '110 simple-registry "Response is Stale"';

Deno.test("tags of the upstream and tags that are only here make one list, page by page in byte order", async () => {
  await using trial = await openTrial({ rules: { revalidateAfter: 60_000 } });
  const { upstream, client } = trial;
  const image = buildImage();
  upstream.addImage(REMOTE, image, "gone", "a", "c");
  await client.send("GET", `/v2/${APP}/manifests/gone`);
  upstream.removeTag(REMOTE, "gone");
  upstream.addImage(REMOTE, image, "b", "B");
  assert.deepEqual((await client.send("GET", TAGS)).json, { name: APP, tags: ["B", "a", "b", "c", "gone"] });
  const first = await client.send("GET", `${TAGS}?n=2`);
  assert.deepEqual(first.json.tags, ["B", "a"]);
  const [, next] = /^<(.*)>; rel="next"$/.exec(first.headers["link"]!)!;
  assert.deepEqual((await client.send("GET", next!)).json.tags, ["b", "c"]);
  assert.deepEqual((await client.send("GET", `${TAGS}?n=2&last=c`)).json.tags, ["gone"]);
  assert.deepEqual((await client.send("GET", `${TAGS}?n=0`)).json.tags, []);
  assert.equal(upstream.count("GET", /tags\/list/), 1, "its pages are of one list");
});

Deno.test("a list of tags that the upstream does not give has what is here, and says so", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  upstream.addImage(REMOTE, buildImage(), "here", "there");
  await client.send("GET", `/v2/${APP}/manifests/here`);
  upstream.script = (_, response) => (sendJson(response, 500, {}), true);
  const { headers, json } = await client.send("GET", TAGS);
  assert.deepEqual([headers["warning"], json.tags], [STALE, ["here"]]);
  const nothing = await client.send("GET", "/v2/hub/never/pulled/tags/list");
  assert.equal(nothing.status, 502, "nobody knows whether it exists");
});

Deno.test("a repository that no upstream has is unknown, and no list of a hosted one asks", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  assert.equal((await client.send("GET", TAGS)).json.errors[0].code, "NAME_UNKNOWN");
  const asked = upstream.asked.length;
  assert.equal((await client.send("GET", "/v2/team/app/tags/list")).status, 404);
  assert.equal(upstream.asked.length, asked);
});

Deno.test('on_upstream_error = "fail": a list that may lack entries is not given', async () => {
  await using trial = await openTrial({ rules: { onUpstreamError: "fail" } });
  const { upstream, client } = trial;
  upstream.addImage(REMOTE, buildImage(), "here");
  await client.send("GET", `/v2/${APP}/manifests/here`);
  upstream.script = (_, response) => (sendJson(response, 500, {}), true);
  assert.equal((await client.send("GET", TAGS)).status, 502);
});

Deno.test("referrers of the upstream are listed, filtered and can be pulled, each once", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const image = buildImage();
  upstream.addImage(REMOTE, image, "latest");
  const signatures = ["application/x.signature", "application/x.sbom", "application/x.signature"].map(
    (artifactType) => buildImage({ artifactType, subject: image.manifest }),
  );
  for (const [index, signature] of signatures.entries()) {
    const artifactType = index === 1 ? "application/x.sbom" : "application/x.signature";
    upstream.addImage(REMOTE, signature);
    const descriptor = { ...describeContent(signature.manifest), artifactType };
    upstream.addReferrer(REMOTE, image.manifest.digest, descriptor);
  }
  const target = `/v2/${APP}/referrers/${image.manifest.digest}`;
  const digests = signatures.map(({ manifest }) => manifest.digest).sort();
  const listed = async (query = "") =>
    (await client.send("GET", target + query)).json.manifests.map((each: { digest: string }) => each.digest);
  assert.deepEqual(await listed(), digests);
  assert.deepEqual(await listed("?artifactType=application/x.sbom"), [signatures[1]!.manifest.digest]);
  const pulled = `/v2/${APP}/manifests/${digests[0]}`;
  assert.equal((await client.send("GET", pulled)).status, 200);
  assert.deepEqual(await listed(), digests, "the one that is here is not there twice");
  assert.deepEqual(await listed(`?last=${digests[0]}`), digests.slice(1));
  await upstream[Symbol.asyncDispose]();
});

Deno.test("referrers of an upstream that fails are those that are here, and the answer says so", async () => {
  await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
  const { upstream, client } = trial;
  const image = buildImage();
  const signature = buildImage({ artifactType: "application/x.signature", subject: image.manifest });
  upstream.addImage(REMOTE, signature, "signature");
  await client.send("GET", `/v2/${APP}/manifests/signature`);
  upstream.script = (_, response) => (sendJson(response, 500, {}), true);
  const { headers, json } = await client.send("GET", `/v2/${APP}/referrers/${image.manifest.digest}`);
  assert.equal(headers["warning"], STALE);
  assert.deepEqual(json.manifests.map((each: { digest: string }) => each.digest), [
    signature.manifest.digest,
  ]);
});

Deno.test("a hundred referrers and more come in pages, whatever of them is here", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const image = buildImage();
  const referrers = Array.from(
    { length: 250 },
    (_, number) =>
      makeJsonContent("application/vnd.oci.image.manifest.v1+json", {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: describeContent(image.config),
        layers: [],
        subject: describeContent(image.manifest),
        annotations: { number: String(number) },
      }),
  );
  for (const [number, referrer] of referrers.entries()) {
    upstream.addManifest(REMOTE, referrer);
    upstream.addReferrer(REMOTE, image.manifest.digest, describeContent(referrer));
    if (number % 3 === 0) {
      assert.equal((await client.send("GET", `/v2/${APP}/manifests/${referrer.digest}`)).status, 200);
    }
  }
  const found: string[] = [];
  for (
    let target: string | undefined = `/v2/${APP}/referrers/${image.manifest.digest}`;
    target !== undefined;
  ) {
    const { json, headers } = await client.send("GET", target);
    found.push(...json.manifests.map((each: { digest: string }) => each.digest));
    target = /^<(.*)>; rel="next"$/.exec(headers["link"] ?? "")?.[1];
  }
  assert.deepEqual(found, referrers.map(({ digest }) => digest).sort());
});

Deno.test("a page of referrers that have much to say ends early, and the next ones follow", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const image = buildImage();
  const referrers = Array.from({ length: 10 }, () => buildImage().manifest);
  for (const referrer of referrers) {
    const annotations = { text: "x".repeat(100_000) };
    upstream.addReferrer(REMOTE, image.manifest.digest, { ...describeContent(referrer), annotations });
  }
  const pages: string[][] = [];
  for (
    let target: string | undefined = `/v2/${APP}/referrers/${image.manifest.digest}`;
    target !== undefined;
  ) {
    const { json, headers } = await client.send("GET", target);
    pages.push(json.manifests.map((each: { digest: string }) => each.digest));
    target = /^<(.*)>; rel="next"$/.exec(headers["link"] ?? "")?.[1];
  }
  assert.deepEqual(pages.map(({ length }) => length), [3, 3, 3, 1]);
  assert.deepEqual(pages.flat(), referrers.map(({ digest }) => digest).sort());
});
