/** `export --bundle` as people type it: what lies in the archive, beside a running server and without one. */
import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { assertSameBytes } from "../../harness/assert_same_bytes.ts";
import {
  buildImage,
  buildIndex,
  type Content,
  listContents,
  makeContent,
} from "../../harness/build_images.ts";
import { captureCommand, runCommand } from "../../harness/run_command.ts";
import { registryProgram } from "../../harness/start_registry.ts";
import { readTar } from "../../harness/tar_archive.ts";
import { makeBundleTrial, pathOf } from "./bundle_trial.ts";

function indexOf(files: Map<string, Uint8Array>) {
  return JSON.parse(new TextDecoder().decode(files.get("index.json")));
}

Deno.test("a bundle holds all platforms, referrers, and signatures by tag, each byte as it was pushed", async () => {
  await using trial = await makeBundleTrial();
  const built = buildIndex({ docker: true });
  const [signature, referrer] = [buildImage(), buildImage({ subject: built.images[0]!.manifest })];
  const about = buildImage({ subject: referrer.manifest });
  await trial.api.pushImage("team/app", built, "v1");
  await trial.api.pushImage("team/app", signature, `${built.index.digest.replace(":", "-")}.sig`);
  await trial.api.pushImage("team/app", referrer, referrer.manifest.digest);
  await trial.api.pushImage("team/app", about, about.manifest.digest);
  await trial.api.pushImage("team/app", buildImage(), "other");
  const files = await trial.bundle("out.tar", "team/app:v1");
  for (const content of [built, signature, referrer, about].flatMap(listContents)) {
    assertSameBytes(files.get(pathOf(content)) ?? assert.fail(content.digest), content.bytes);
  }
  assert.deepEqual(JSON.parse(new TextDecoder().decode(files.get("oci-layout"))), {
    imageLayoutVersion: "1.0.0",
  });
  const entries = indexOf(files).manifests.map((entry: Record<string, unknown>) => [
    entry.digest,
    entry.mediaType,
    (entry.annotations as Record<string, string>)["org.opencontainers.image.ref.name"],
  ]);
  assert.deepEqual(
    new Set(entries.map((entry: unknown) => JSON.stringify(entry))),
    new Set([
      [built.index.digest, built.index.mediaType, "v1"],
      [
        signature.manifest.digest,
        signature.manifest.mediaType,
        `${built.index.digest.replace(":", "-")}.sig`,
      ],
      [referrer.manifest.digest, referrer.manifest.mediaType, undefined],
      [about.manifest.digest, about.manifest.mediaType, undefined],
    ].map((entry) => JSON.stringify(entry))),
  );
});

Deno.test("two bundles of the same content are the same file, made with the server running or without it", async () => {
  await using trial = await makeBundleTrial();
  for (const [repository, tag] of [["b", "v1"], ["a", "v2"], ["a", "v1"], ["c/d", "v1"]] as const) {
    await trial.api.pushImage(repository, buildImage(), tag);
  }
  await trial.bundle("one.tar", "*");
  await trial.registry.stop();
  await trial.bundle("two.tar", "c/d", "a", "b:v?");
  const [one, two] = ["one", "two"].map((name) => Deno.readFileSync(`${trial.folder}/${name}.tar`));
  assert.ok(one!.length > 10_000);
  assertSameBytes(one!, two!);
  const entries = indexOf(readTar(`${trial.folder}/one.tar`)).manifests;
  assert.deepEqual(
    entries.map(({ annotations }: { annotations: Record<string, string> }) =>
      annotations["org.opencontainers.image.ref.name"]
    ),
    ["a:v1", "a:v2", "b:v1", "c/d:v1"],
  );
});

Deno.test("a bundle does not tell where its registry keeps small blobs, and has them before the large ones", async () => {
  await using trial = await makeBundleTrial();
  const image = buildImage({ layerSizes: [100_000, 1000, 200_000, 30_000] });
  await trial.api.pushImage("app", image, "v1");
  await trial.bundle("in_database.tar", "app");
  const { stdout } = await runCommand(["tar", "--list", "--verbose", "--file", "in_database.tar"], {
    cwd: trial.folder,
  });
  const sizes = stdout.trim().split("\n").map((line) => Number(line.split(/\s+/)[2]));
  assert.deepEqual(
    sizes.slice(-5).map((size) => size > 64 * 1024),
    [false, false, false, true, true],
    stdout,
  );
  await using other = await makeBundleTrial(trial.folder, "small_blob_limit = 0");
  await other.api.pushImage("app", image, "v1");
  await other.bundle("in_files.tar", "app");
  const [one, two] = ["in_database", "in_files"].map((name) =>
    Deno.readFileSync(`${trial.folder}/${name}.tar`)
  );
  assertSameBytes(one!, two!);
});

Deno.test("a bundle since earlier ones holds only the blobs that none of them speaks of, along a chain", async () => {
  await using trial = await makeBundleTrial();
  const [first, second, third] = [buildImage(), buildImage(), buildImage()];
  const blobsIn = (files: Map<string, Uint8Array>) =>
    [first, second, third].map(({ layers, config }) =>
      [...layers, config].every((blob) => files.has(pathOf(blob)))
    );
  const isNoneIn = (files: Map<string, Uint8Array>, { layers, config }: typeof first) =>
    ![...layers, config].some((blob) => files.has(pathOf(blob)));
  await trial.api.pushImage("app", first, "v1");
  assert.deepEqual(blobsIn(await trial.bundle("1.tar", "app")), [true, false, false]);
  await trial.api.pushImage("app", second, "v2");
  const files = await trial.bundle("2.tar", "app", "--since", "1.tar");
  assert.deepEqual(blobsIn(files), [false, true, false]);
  assert.ok(isNoneIn(files, first));
  await trial.api.pushImage("app", third, "v3");
  const { stdout } = await trial.run("export", "--bundle", "3.tar", "app", "--since=2.tar", "--json");
  const chained = readTar(`${trial.folder}/3.tar`);
  assert.deepEqual(blobsIn(chained), [false, false, true]);
  assert.ok(isNoneIn(chained, first) && isNoneIn(chained, second));
  const { left_out } = JSON.parse(stdout);
  assert.equal(left_out.blobs, 6);
  assert.deepEqual(left_out.earlier.map(({ name }: { name: string }) => name).sort(), ["1.tar", "2.tar"]);
  for (const manifest of [first, second, third].map(({ manifest }) => manifest)) {
    assertSameBytes(chained.get(pathOf(manifest))!, manifest.bytes);
  }
});

Deno.test("a signature is over the bytes of the index, and openssl's keys make it", async () => {
  await using trial = await makeBundleTrial();
  await trial.api.pushImage("app", buildImage(), "v1");
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  await Deno.writeTextFile(`${trial.folder}/key.pem`, pem);
  const files = await trial.bundle("out.tar", "app", "--sign-key", "key.pem");
  assert.ok(verify(null, files.get("index.json")!, publicKey, files.get("index.json.sig")!));
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
    .export({ type: "pkcs8", format: "pem" }) as string;
  await Deno.writeTextFile(`${trial.folder}/rsa.pem`, rsa);
  const refused = await trial.run("export", "--bundle", "rsa.tar", "app", "--sign-key", "rsa.pem");
  assert.match(refused.stderr, /Cannot use rsa\.pem as a private key for bundles: it is of type rsa/);
});

Deno.test("a digest of sha512 has its file too, though its name is longer than a header's field", async () => {
  await using trial = await makeBundleTrial();
  const bytes = new TextEncoder().encode("a layer");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-512", bytes));
  const layer: Content = {
    ...makeContent("application/vnd.oci.image.layer.v1.tar", bytes),
    digest: `sha512:${hash.toHex()}`,
  };
  const config = makeContent("application/vnd.oci.empty.v1+json", new TextEncoder().encode("{}"));
  const manifest = makeContent(
    "application/vnd.oci.image.manifest.v1+json",
    new TextEncoder().encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: config.mediaType, digest: config.digest, size: 2 },
      layers: [{ mediaType: layer.mediaType, digest: layer.digest, size: bytes.length }],
    })),
  );
  for (const blob of [layer, config]) await trial.api.pushBlob("app", blob);
  await trial.api.pushManifest("app", manifest, "v1");
  const files = await trial.bundle("out.tar", "app");
  assertSameBytes(files.get(pathOf(layer))!, bytes);
  const listed = await runCommand(["tar", "-tf", `${trial.folder}/out.tar`]);
  assert.ok(listed.stdout.includes(pathOf(layer)));
});

Deno.test("what is damaged or not there is told, and leaves no file", async () => {
  await using trial = await makeBundleTrial();
  const built = buildImage({ layerSizes: [200_000] });
  await trial.api.pushImage("app", built, "v1");
  const missing = await trial.run("export", "--bundle", "out.tar", "app:v1", "app:v9");
  assert.deepEqual([missing.code, missing.stderr], [
    1,
    "simple-registry: Cannot export app:v9: nothing here has this name\n",
  ]);
  const hex = built.layers[0]!.digest.slice(7);
  const folder = `${trial.registry.rootDir}/blobs/sha256/${hex.slice(0, 2)}`;
  const [{ name }] = [...Deno.readDirSync(folder)].filter((entry) => entry.name.startsWith(hex)) as [
    Deno.DirEntry,
  ];
  const file = await Deno.open(`${folder}/${name}`, { write: true });
  await file.write(new Uint8Array([1, 2, 3]));
  file.close();
  const damaged = await trial.run("export", "--bundle", "out.tar", "app:v1");
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /is damaged: the bytes in .* have another digest/);
  await Deno.truncate(`${folder}/${name}`, 10);
  const short = await trial.run("export", "--bundle", "out.tar", "app:v1");
  assert.match(short.stderr, /Cannot export blob sha256:[0-9a-f]+: its file is missing or damaged/);
  assert.deepEqual([...Deno.readDirSync(trial.folder)].map((entry) => entry.name), ["config.toml"]);
});

Deno.test("a file that is there stays, unless it is to be replaced; standard output takes a bundle as well", async () => {
  await using trial = await makeBundleTrial();
  await trial.api.pushImage("app", buildImage(), "v1");
  await Deno.writeTextFile(`${trial.folder}/out.tar`, "mine");
  const refused = await trial.run("export", "--bundle", "out.tar", "app");
  assert.equal(refused.stderr, "simple-registry: Cannot write out.tar: it exists; --force replaces it\n");
  assert.equal(await Deno.readTextFile(`${trial.folder}/out.tar`), "mine");
  await trial.bundle("out.tar", "app", "--force");
  assert.equal(Deno.statSync(`${trial.folder}/out.tar`).mode! & 0o777, 0o600);
  const words = [...trial.program, "export", "--bundle", "-", "app"];
  await runCommand(["sh", "-c", `${words.join(" ")} > piped.tar`], { cwd: trial.folder });
  const [piped, written] = ["piped", "out"].map((name) => Deno.readFileSync(`${trial.folder}/${name}.tar`));
  assertSameBytes(piped!, written!);
});

Deno.test("no bundle is written into the data directory, least of all over the database", async () => {
  await using trial = await makeBundleTrial();
  await trial.api.pushImage("app", buildImage(), "v1");
  const { rootDir } = trial.registry;
  await Deno.symlink(rootDir, `${trial.folder}/link`);
  await Deno.symlink(`${rootDir}/registry.db`, `${trial.folder}/db.tar`);
  const names = ["registry.db", "new.tar", "blobs/sha256/new.tar"].map((name) => `${rootDir}/${name}`);
  for (const path of [...names, "link/registry.db", "db.tar"]) {
    const { code, stderr } = await trial.run("export", "--bundle", path, "app", "--force");
    assert.equal(code, 1, path);
    assert.match(stderr, /^simple-registry: Cannot write .*: it is in the data directory/);
  }
  await trial.bundle("out.tar", "app");
});

Deno.test("what is typed wrongly is told with the right form, and exits 2", async () => {
  for (
    const [args, message] of [
      [["--bundle", "out.tar"], /write: export --bundle FILE REPOSITORY/],
      [["app"], /write: export --bundle FILE/],
      [["--bundle", "out.tar", "App"], /it begins with no name of a repository/],
      [["--bundle", "out.tar", "app@sha256:1"], /what follows the @ is no digest/],
      [["--bundle", "out.tar", "app:a b"], /what follows the colon is no tag/],
      [["--bundle", "out.tar", "-x"], /unexpected "-x"/],
    ] as const
  ) {
    const result = await captureCommand([...await registryProgram(), "export", ...args]);
    assert.match(result.stderr, message);
    assert.equal(result.code, 2);
  }
});
