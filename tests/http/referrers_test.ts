/** Referrers, through the handler. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { digestOf } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import {
  assertRefused,
  contentOf,
  descriptorOf,
  makeIndex,
  makeManifest,
  type ManifestContent,
  pushBlob,
  pushImage,
  putManifest,
} from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const SBOM = "application/vnd.example.sbom.v1+json";
const EMPTY = contentOf("{}");

interface Listed {
  mediaType: string;
  digest: Digest;
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** A registry with a subject in "app", and a way to push referrers of it. */
async function setUp() {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  const subject = (await pushImage(client, "app", "latest")).manifest;
  await pushBlob(client, "app", EMPTY);
  const refer = async (more: Record<string, unknown> = {}, to: ManifestContent = subject) => {
    const manifest = makeManifest(EMPTY, [], { subject: descriptorOf(to, OCI), ...more });
    const answer = await putManifest(client, "app", manifest.digest, manifest);
    assert.equal(answer.headers["oci-subject"], to.digest);
    return manifest;
  };
  const path = `/v2/app/referrers/${subject.digest}`;
  return { registry, client, subject, refer, path };
}

async function readAll(client: Client, target: string): Promise<{ pages: Listed[][]; links: string[] }> {
  const pages: Listed[][] = [];
  const links: string[] = [];
  for (let next: string | undefined = target; next !== undefined;) {
    const answer = await client.send("GET", next);
    assert.equal(answer.status, 200, answer.text);
    pages.push(answer.json.manifests);
    const link = answer.headers["link"];
    next = link && /^<(\/v2\/[\x21-\x7e]+)>; rel="next"$/.exec(link)![1];
    if (next !== undefined) links.push(next);
  }
  return { pages, links };
}

const byDigest = (a: { digest: string }, b: { digest: string }) => a.digest < b.digest ? -1 : 1;

Deno.test("referrers of an unknown subject or repository are an empty index", async () => {
  const { client } = await setUp();
  for (const repository of ["app", "nowhere"]) {
    for (const algorithm of ["sha256", "sha512"] as const) {
      const answer = await client.send("GET", `/v2/${repository}/referrers/${digestOf("x", algorithm)}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], INDEX);
      assert.equal(answer.headers["oci-filters-applied"], undefined);
      assert.deepEqual(answer.json, { schemaVersion: 2, mediaType: INDEX, manifests: [] });
    }
  }
});

Deno.test("referrers carry artifact type and annotations", async () => {
  const { client, subject, refer, path } = await setUp();
  const annotations = { "org.example": "yes" };
  const plain = await refer();
  const sbom = await refer({ artifactType: SBOM, annotations });
  const index = makeIndex([], { subject: descriptorOf(subject, OCI) });
  await putManifest(client, "app", index.digest, index);
  const expected: Listed[] = [
    { ...descriptorOf(plain, OCI), artifactType: "application/vnd.oci.image.config.v1+json" },
    { ...descriptorOf(sbom, OCI), artifactType: SBOM, annotations },
    descriptorOf(index, INDEX),
  ];
  const answer = await client.send("GET", path);
  assert.deepEqual(answer.json.manifests, expected.sort(byDigest));
  const head = await client.send("HEAD", path);
  assert.deepEqual([head.headers, head.body.length], [answer.headers, 0]);
});

Deno.test("the filter selects by artifact type and is confirmed", async () => {
  const { client, refer, path } = await setUp();
  await refer();
  const sbom = await refer({ artifactType: SBOM });
  for (const value of [encodeURIComponent(SBOM), SBOM]) {
    const answer = await client.send("GET", `${path}?artifactType=${value}`);
    assert.equal(answer.headers["oci-filters-applied"], "artifactType");
    assert.deepEqual(answer.json.manifests.map(({ digest }: Listed) => digest), [sbom.digest]);
  }
  const none = await client.send("GET", `${path}?artifactType=a/b`);
  assert.deepEqual([none.json.manifests, none.headers["oci-filters-applied"]], [[], "artifactType"]);
  const unfiltered = await client.send("GET", `${path}?artifactType=`);
  assert.deepEqual([unfiltered.json.manifests.length, unfiltered.headers["oci-filters-applied"]], [
    2,
    undefined,
  ]);
});

Deno.test("referrers come in pages of 100 whose Link keeps the filter", async () => {
  const { client, refer, path } = await setUp();
  const sboms: string[] = [];
  for (let i = 0; i < 250; i++) {
    sboms.push((await refer({ artifactType: SBOM, annotations: { i: `${i}` } })).digest);
  }
  for (let i = 0; i < 50; i++) await refer({ annotations: { i: `${i}` } });
  const filtered = await readAll(client, `${path}?artifactType=${encodeURIComponent(SBOM)}`);
  assert.deepEqual(filtered.pages.map((page) => page.length), [100, 100, 50]);
  assert.deepEqual(filtered.pages.flat().map(({ digest }) => digest), sboms.sort());
  for (const link of filtered.links) {
    assert.ok(link.startsWith(`${path}?artifactType=application%2Fvnd`), link);
  }
  const all = await readAll(client, path);
  assert.deepEqual(all.pages.map((page) => page.length), [100, 100, 100]);
});

Deno.test("referrers whose annotations are large come in shorter pages, none of them lost", async () => {
  const { client, refer, path } = await setUp();
  for (let i = 0; i < 5; i++) await refer({ annotations: { i: `${i}`, large: "A".repeat(200_000) } });
  const { pages } = await readAll(client, path);
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
});

Deno.test("a deleted referrer is not listed any more, a deleted subject keeps its referrers", async () => {
  const { client, subject, refer, path } = await setUp();
  const [one, two] = [await refer(), await refer({ artifactType: SBOM })];
  await client.send("DELETE", `/v2/app/manifests/${one.digest}`);
  await client.send("DELETE", `/v2/app/manifests/${subject.digest}`);
  const { pages } = await readAll(client, path);
  assert.deepEqual(pages.flat().map(({ digest }) => digest), [two.digest]);
});

Deno.test("referrers of one repository are not those of another", async () => {
  const { client, refer, path } = await setUp();
  await refer();
  assert.deepEqual((await client.send("GET", path.replace("/app/", "/other/"))).json.manifests, []);
});

for (const algorithm of ["sha256", "sha512"] as const) {
  Deno.test(`the index under the fallback tag is merged, each manifest once (${algorithm})`, async () => {
    const { client } = await setUp();
    const { config } = await pushImage(client, "app", "other");
    const subject = makeManifest(config, [], { annotations: { about: "subject" } }, algorithm);
    await putManifest(client, "app", subject.digest, subject);
    const recorded = makeManifest(EMPTY, [], { subject: descriptorOf(subject, OCI), artifactType: SBOM });
    await putManifest(client, "app", recorded.digest, recorded);
    const old = makeManifest(EMPTY, [], { annotations: { old: "client" } });
    await putManifest(client, "app", old.digest, old);
    const absent = makeManifest(EMPTY, [], { annotations: { never: "pushed" } });
    const listed = { ...descriptorOf(old, OCI), artifactType: "a/old", annotations: { k: "v" } };
    const index = makeIndex([], {
      manifests: [
        listed,
        { ...descriptorOf(recorded, OCI), artifactType: "a/lie" },
        descriptorOf(absent, OCI),
        listed,
      ],
    });
    const tag = `${algorithm}-${subject.digest.slice(7, 71)}`;
    assert.equal((await putManifest(client, "app", tag, index)).status, 201);

    const path = `/v2/app/referrers/${subject.digest}`;
    const expected: Listed[] = [listed, { ...descriptorOf(recorded, OCI), artifactType: SBOM }];
    assert.deepEqual((await client.send("GET", path)).json.manifests, expected.sort(byDigest));
    assert.deepEqual((await client.send("GET", `${path}?artifactType=a/old`)).json.manifests, [listed]);
    assert.deepEqual(
      (await client.send("GET", `${path}?last=${old.digest}`)).json.manifests.map((m: Listed) => m.digest),
      [recorded.digest].filter((digest) => digest > old.digest),
    );
  });
}

Deno.test("recorded referrers and those of the fallback tag share pages in one order", async () => {
  const { client, subject, refer, path } = await setUp();
  const digests: string[] = [];
  for (let i = 0; i < 130; i++) digests.push((await refer({ annotations: { i: `${i}` } })).digest);
  const listed: ManifestContent[] = [];
  for (let i = 0; i < 120; i++) {
    const manifest = makeManifest(EMPTY, [], { annotations: { old: `${i}` } });
    await putManifest(client, "app", manifest.digest, manifest);
    listed.push(manifest);
    digests.push(manifest.digest);
  }
  await putManifest(client, "app", `sha256-${subject.digest.slice(7)}`, makeIndex(listed));
  const { pages } = await readAll(client, path);
  assert.ok(pages.every((page) => page.length <= 100));
  assert.deepEqual(pages.flat().map(({ digest }) => digest), digests.sort());
});

Deno.test("short pages of large referrers and the fallback tag repeat nothing", async () => {
  const { client, subject, refer, path } = await setUp();
  const digests: string[] = [];
  for (let i = 0; i < 6; i++) {
    digests.push((await refer({ annotations: { i: `${i}`, large: "A".repeat(600_000) } })).digest);
  }
  const listed: ManifestContent[] = [];
  for (let i = 0; i < 20; i++) {
    const manifest = makeManifest(EMPTY, [], { annotations: { old: `${i}` } });
    await putManifest(client, "app", manifest.digest, manifest);
    listed.push(manifest);
    digests.push(manifest.digest);
  }
  await putManifest(client, "app", `sha256-${subject.digest.slice(7)}`, makeIndex(listed));
  const { pages } = await readAll(client, path);
  assert.deepEqual(pages.flat().map(({ digest }) => digest), digests.sort());
});

Deno.test("a fallback tag full of what is not there ends pages early, and what is there is still found", async () => {
  const { client, subject, path } = await setUp();
  const absent = Array.from(
    { length: 2500 },
    (_, i) => ({ mediaType: OCI, digest: digestOf(`absent ${i}`), size: 1 }),
  );
  const there = makeManifest(EMPTY, [], { annotations: { old: "client" } });
  await putManifest(client, "app", there.digest, there);
  const manifests = [...absent, descriptorOf(there, OCI)];
  await putManifest(client, "app", `sha256-${subject.digest.slice(7)}`, makeIndex([], { manifests }));
  const { pages } = await readAll(client, path);
  assert.equal(pages.length, 3);
  assert.deepEqual(pages.flat().map(({ digest }) => digest), [there.digest]);
});

Deno.test("a fallback tag that names no index adds nothing", async () => {
  const { client, subject, path } = await setUp();
  await pushImage(client, "app", `sha256-${subject.digest.slice(7)}`);
  assert.deepEqual((await client.send("GET", path)).json.manifests, []);
});

Deno.test("a malformed subject or page position is refused", async () => {
  const { client, path } = await setUp();
  assertRefused(await client.send("GET", "/v2/app/referrers/sha256:abc"), 400, "DIGEST_INVALID");
  assertRefused(await client.send("GET", `${path}?last=x`), 400, "DIGEST_INVALID");
  assertRefused(await client.send("GET", `${path}?artifactType=%0d%0aX:1`), 400, "REQUEST_INVALID");
});
