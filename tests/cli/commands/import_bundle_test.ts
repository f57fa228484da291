/** `import` of bundles as people type it: beside a running server and without one. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { assertSameBytes } from "../../harness/assert_same_bytes.ts";
import { buildImage, buildIndex, type Content, listContents } from "../../harness/build_images.ts";
import type { RegistryApi } from "../../harness/registry_api.ts";
import { captureCommand } from "../../harness/run_command.ts";
import { testWith } from "../../harness/real_clients.ts";
import { makeTar } from "../../harness/tar_archive.ts";
import { type BundleTrial, makeBundleTrial, pathOf } from "./bundle_trial.ts";

const MANIFEST_TYPE = /\.(manifest|index|list)\.v\d\+json$/;

async function assertHas(api: RegistryApi, repository: string, contents: readonly Content[]): Promise<void> {
  for (const { digest, mediaType, bytes } of contents) {
    const kind = MANIFEST_TYPE.test(mediaType) ? "manifests" : "blobs";
    const response = await api.expect(200, "GET", `/v2/${repository}/${kind}/${digest}`, {
      headers: { accept: mediaType },
    });
    if (kind === "manifests") assert.equal(response.headers.get("content-type"), mediaType);
    assertSameBytes(new Uint8Array(await response.arrayBuffer()), bytes);
  }
}

/** Imports, which must succeed; gives the report. */
async function importAll(trial: BundleTrial, ...args: string[]) {
  const { code, stdout, stderr } = await trial.run("import", "--json", ...args);
  assert.equal(code, 0, `${stdout}${stderr}`);
  return JSON.parse(stdout);
}

Deno.test("content comes over with the same digests, tags, types, referrers and signatures, and a second time changes nothing", async () => {
  await using inside = await makeBundleTrial();
  const built = buildIndex({ docker: true });
  const [signature, referrer] = [
    buildImage(),
    buildImage({ subject: built.index, artifactType: "text/sbom" }),
  ];
  const shared = buildImage();
  {
    await using outside = await makeBundleTrial(inside.folder);
    await outside.api.pushImage("team/app", built, "v1");
    await outside.api.pushImage("team/app", signature, `${built.index.digest.replace(":", "-")}.sig`);
    await outside.api.pushImage("team/app", referrer, referrer.manifest.digest);
    await outside.api.pushImage("team/app", shared, "v2");
    await outside.api.pushImage("other", shared, "latest");
    await outside.bundle("out.tar", "*");
  }
  const dry = await importAll(inside, "out.tar", "--dry-run");
  assert.deepEqual([dry.tags.came, dry.manifests.came], [4, 7]);
  assert.equal(await inside.api.findDigest("team/app", "v1"), undefined);
  const report = await importAll(inside, "out.tar");
  assert.deepEqual([report.tags.came, report.manifests.came, report.blobs.shared], [4, 7, 3]);
  assert.equal(report.signature, "none");
  await assertHas(inside.api, "team/app", [built, signature, referrer, shared].flatMap(listContents));
  await assertHas(inside.api, "other", listContents(shared));
  assert.equal(await inside.api.findDigest("team/app", "v1"), built.index.digest);
  assert.equal(await inside.api.findDigest("other", "latest"), shared.manifest.digest);
  const referrers = await inside.api.expect(200, "GET", `/v2/team/app/referrers/${built.index.digest}`);
  assert.deepEqual(
    (await referrers.json()).manifests.map(({ digest }: { digest: string }) => digest),
    [referrer.manifest.digest],
  );
  await inside.registry.stop();
  const again = await importAll(inside, "out.tar");
  assert.deepEqual([again.tags, again.blobs.came], [{ came: 0, there: 4 }, 0]);
  assert.deepEqual(again.manifests, { came: 0, there: 7 });
});

Deno.test("a bundle comes without a server into a directory that does not exist yet, under a prefix, and from a pipe", async () => {
  await using outside = await makeBundleTrial();
  const image = buildImage({ layerSizes: [3_000_000] });
  await outside.api.pushImage("team/app", image, "v1");
  await outside.bundle("out.tar", "team/app");
  await using inside = await makeBundleTrial(outside.folder);
  await inside.registry.stop();
  await Deno.remove(inside.registry.rootDir, { recursive: true });
  const dry = await importAll(inside, "out.tar", "--dry-run");
  assert.deepEqual([dry.tags.came, dry.manifests.came, dry.blobs.came], [1, 1, 2]);
  await assert.rejects(Deno.stat(inside.registry.rootDir), Deno.errors.NotFound);
  const stdin = await Deno.readFile(`${outside.folder}/out.tar`);
  const piped = await captureCommand([...inside.program, "import", "-", "--to", "mirror/eu/"], { stdin });
  assert.equal(piped.code, 0, piped.stderr);
  assert.match(
    piped.stdout,
    /^came: 1 tag, 1 manifest, 2 blobs \(.*\)\n$/,
  );
  await inside.bundle("again.tar", "mirror/eu/team/app:v1");
});

Deno.test("what a bundle left out must be here: the earlier one is named, and nothing of the manifest is visible before", async () => {
  await using outside = await makeBundleTrial();
  const [first, second] = [buildImage(), buildImage()];
  await outside.api.pushImage("app", first, "v1");
  await outside.bundle("1.tar", "app");
  await outside.api.pushImage("app", second, "v2");
  await outside.bundle("2.tar", "app", "--since", "1.tar");
  await using inside = await makeBundleTrial(outside.folder);
  const early = await inside.run("import", "2.tar");
  assert.equal(early.code, 1);
  assert.match(
    early.stdout,
    /^app@sha256:\w+ \(v1\): its blob sha256:\w+ is in bundle 1\.tar \(sha256:/,
  );
  assert.match(
    early.stdout,
    /import 1\.tar first \(sha256:\w+\): 3 blobs of it missing here, such as sha256:/,
  );
  assert.equal(await inside.api.findDigest("app", first.manifest.digest), undefined);
  assert.equal(await inside.api.findDigest("app", "v1"), undefined);
  assert.equal(await inside.api.findDigest("app", "v2"), second.manifest.digest);
  await importAll(inside, "1.tar");
  const report = await importAll(inside, "2.tar");
  assert.deepEqual(report.waits_for, []);
  await assertHas(inside.api, "app", [first, second].flatMap(listContents));
});

Deno.test("a signature that is demanded has to be there, of that key, and over this index", async () => {
  await using outside = await makeBundleTrial();
  await outside.api.pushImage("app", buildImage(), "v1");
  const [mine, other] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
  const write = (name: string, pem: string | Uint8Array) =>
    Deno.writeTextFile(`${outside.folder}/${name}`, String(pem));
  await write("mine.pem", mine.privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  for (const [name, { publicKey }] of [["mine.pub", mine], ["other.pub", other]] as const) {
    await write(name, publicKey.export({ type: "spki", format: "pem" }) as string);
  }
  await outside.bundle("plain.tar", "app");
  const files = await outside.bundle("signed.tar", "app", "--sign-key", "mine.pem");
  const changed = { ...Object.fromEntries(files) };
  changed["index.json"] = new TextEncoder().encode(
    new TextDecoder().decode(files.get("index.json")).replace(
      `"app"`,
      `"App"`.toLowerCase().replace("a", "b"),
    ),
  );
  await Deno.writeFile(`${outside.folder}/changed.tar`, makeTar(changed));
  await using inside = await makeBundleTrial(outside.folder);
  for (
    const [args, message] of [
      [["plain.tar", "--verify-key", "mine.pub"], /it is not signed, and a signature is demanded/],
      [["signed.tar", "--verify-key", "other.pub"], /its signature is not of this key/],
      [["changed.tar", "--verify-key", "mine.pub"], /its index was changed after it was signed/],
      [["signed.tar", "--verify-key", "none.pub"], /Cannot read the key in none\.pub/],
      [["signed.tar", "--verify-key", "plain.tar"], /it is no public key in PEM/],
    ] as const
  ) {
    const refused = await inside.run("import", ...args);
    assert.match(refused.stderr, message);
    assert.equal(refused.code, 1);
  }
  assert.equal(await inside.api.findDigest("app", "v1"), undefined);
  assert.equal((await importAll(inside, "signed.tar", "--verify-key", "mine.pub")).signature, "verified");
});

Deno.test("bytes that are not those of their digest do not come, and what does not need them does", async () => {
  await using outside = await makeBundleTrial();
  const [good, bad] = [buildImage(), buildImage()];
  await outside.api.pushImage("app", good, "good");
  await outside.api.pushImage("app", bad, "bad");
  const files = await outside.bundle("out.tar", "app");
  const [layer] = bad.layers as [Content];
  const damaged = layer.bytes.slice();
  damaged[100]! ^= 1;
  await Deno.writeFile(
    `${outside.folder}/bad.tar`,
    makeTar({ ...Object.fromEntries(files), [pathOf(layer)]: damaged }),
  );
  await using inside = await makeBundleTrial(outside.folder);
  const { code, stdout } = await inside.run("import", "bad.tar");
  assert.equal(code, 1);
  assert.match(stdout, /\(bad\): blob sha256:\w+ is damaged there: its bytes have another digest/);
  assert.equal(await inside.api.findDigest("app", "bad"), undefined);
  assert.equal(await inside.api.findDigest("app", bad.manifest.digest), undefined);
  await inside.api.expect(404, "HEAD", `/v2/app/blobs/${layer.digest}`);
  await assertHas(inside.api, "app", listContents(good));
});

Deno.test("what is no archive, or no bundle, is refused with the reason, and changes nothing", async () => {
  await using trial = await makeBundleTrial();
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const layout = json({ imageLayoutVersion: "1.0.0" });
  const entry = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${"0".repeat(64)}`,
    size: 2,
  };
  const named = { ...entry, annotations: { "org.opencontainers.image.ref.name": "v1" } };
  const depth = 100_000;
  const archives: readonly (readonly [string, RegExp, Uint8Array])[] = [
    ["text.tar", /it is no tar archive/, new Uint8Array(5000).fill(65)],
    ["empty.tar", /it is no OCI image layout: it has no index\.json/, makeTar({})],
    ["docker.tar", /in the old form: convert it with skopeo copy/, makeTar({ "manifest.json": json([]) })],
    ["half.tar", /no whole OCI image layout/, makeTar({ "oci-layout": layout })],
    [
      "bomb.tar",
      /its index\.json cannot be used: .*more than 64 levels/,
      makeTar({
        "oci-layout": layout,
        "index.json": new TextEncoder().encode("[".repeat(depth) + "]".repeat(depth)),
      }),
    ],
    [
      "twice.tar",
      /its index\.json cannot be used/,
      makeTar({
        "oci-layout": layout,
        "index.json": new TextEncoder().encode(`{"schemaVersion":2,"manifests":[],"manifests":[]}`),
      }),
    ],
    [
      "large.tar",
      /index\.json has 33 MiB, at most 32 MiB/,
      makeTar({
        "oci-layout": layout,
        "index.json": new Uint8Array(33 * 1024 * 1024),
      }),
    ],
    [
      "list.tar",
      /its list of contents, sha256:\w+, is missing or damaged/,
      makeTar({
        "oci-layout": layout,
        "index.json": json({
          schemaVersion: 2,
          manifests: [],
          annotations: { "io.simple-registry.contents": entry.digest },
        }),
      }),
    ],
  ];
  for (const [name, message, bytes] of archives) {
    await Deno.writeFile(`${trial.folder}/${name}`, bytes);
    const refused = await trial.run("import", name);
    assert.match(refused.stderr, message);
    assert.ok(refused.stderr.startsWith(`simple-registry: Cannot import ${name}: `), refused.stderr);
    assert.equal(refused.code, 1);
  }
  await Deno.writeFile(
    `${trial.folder}/lost.tar`,
    makeTar({ "oci-layout": layout, "index.json": json({ schemaVersion: 2, manifests: [named] }) }),
  );
  const nameless = await trial.run("import", "lost.tar");
  assert.match(nameless.stdout, /does not say which repository it belongs to: add --repository NAME/);
  const lost = await trial.run("import", "lost.tar", "--repository", "app");
  assert.match(lost.stdout, /app@sha256:0+ \(v1\): its bytes are not there/);
  assert.deepEqual([nameless.code, lost.code], [1, 1]);
  const catalog = await trial.api.expect(200, "GET", "/v2/_catalog");
  assert.deepEqual((await catalog.json()).repositories, []);
});

Deno.test("an archive that was cut is refused whole, wherever the cut is", async () => {
  await using outside = await makeBundleTrial();
  await outside.api.pushImage("app", buildImage(), "v1");
  await outside.bundle("out.tar", "app");
  const whole = await Deno.readFile(`${outside.folder}/out.tar`);
  await using inside = await makeBundleTrial(outside.folder);
  for (const share of [0.1, 0.5, 0.9]) {
    await Deno.writeFile(`${outside.folder}/cut.tar`, whole.subarray(0, Math.floor(whole.length * share)));
    const { code, stderr } = await inside.run("import", "cut.tar");
    assert.match(stderr, /Cannot import cut\.tar: it ends after \d+ bytes, in the middle of .*: it was cut/);
    assert.equal(code, 1);
  }
  assert.equal(await inside.api.findDigest("app", "v1"), undefined);
});

testWith({ programs: [], root: true })(
  "root brings nothing into the directory of another user, who could not read it, unless the server does it",
  async () => {
    await using trial = await makeBundleTrial();
    await trial.api.pushImage("app", buildImage(), "v1");
    await trial.bundle("out.tar", "app");
    await trial.registry.stop();
    await Deno.chown(trial.registry.rootDir, 12345, null);
    const { code, stderr } = await trial.run("import", "out.tar");
    assert.match(stderr, /as user 0: it belongs to user 12345\. Run the command as that user, or while/);
    assert.equal(code, 1);
  },
);
