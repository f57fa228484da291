/** The manifest that names a blob says how large it is: an upstream that sends anything else is left at once. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import {
  buildImage,
  type Content,
  describeContent,
  makeContent,
  makeJsonContent,
  randomBytes,
} from "../harness/build_images.ts";
import { pullBlobThrough } from "../../src/registry/pull_through.ts";
import { until } from "../harness/until.ts";
import { concat } from "../model/bytes.ts";
import { ScriptedUpstream } from "../upstream/scripted_upstream.ts";
import { APP, type MirrorTrial, openTrial, REMOTE } from "./mirror_trial.ts";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

const targetOf = ({ digest }: Content) => `/v2/${APP}/blobs/${digest}`;

/** A manifest that gives its layer a size, the true one where none is named. */
function manifestOf(layer: Content, size = layer.bytes.length): Content {
  return makeJsonContent(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: describeContent(buildImage().config),
    layers: [{ ...describeContent(layer), size }],
  });
}

/** Lets the mirror have manifests, as a client does before it asks for what they name. */
async function pullManifests({ upstream, client }: MirrorTrial, ...manifests: Content[]): Promise<void> {
  for (const manifest of manifests) {
    upstream.addManifest(REMOTE, manifest);
    assert.equal((await client.send("GET", `/v2/${APP}/manifests/${manifest.digest}`)).status, 200);
  }
  upstream.asked.length = 0;
}

/** A layer of which a manifest is here, and an upstream that sends other bytes for it. */
async function openLie(size: number, send: (response: ServerResponse) => void) {
  const trial = await openTrial();
  const layer = makeContent(LAYER, randomBytes(size));
  await pullManifests(trial, manifestOf(layer));
  const closed = Promise.withResolvers<void>();
  trial.upstream.script = (_, response) => {
    response.on("close", () => closed.resolve());
    send(response);
    return true;
  };
  return {
    ...trial,
    layer,
    /** The connection is over. */
    closed: closed.promise,
    /** Asks for the layer, whose head the mirror sends, and reads it until it is cut. */
    async readUntilCut(): Promise<void> {
      const reader = await pullBlobThrough(trial.registry, APP, layer.digest as never);
      assert.equal(reader.size, size, "the manifest says so");
      await assert.rejects(Array.fromAsync(reader.read(0, size)), { code: "UPSTREAM_UNAVAILABLE" });
      reader.close();
    },
    /** @param pulls so many times the upstream was asked, and not again for the rest of what it did not send */
    assertNothingKept(pulls: number): void {
      assert.equal(trial.registry.blobs.files.size + trial.registry.blobs.uploads.size, 0);
      assert.equal(trial.upstream.asked.length, pulls);
    },
  };
}

/** A client is told 502, and the log why. */
async function assertRefused({ registry, client }: MirrorTrial, layer: Content, why: string): Promise<void> {
  await assert.rejects(
    pullBlobThrough(registry, APP, layer.digest as never),
    (fault: Error & { code?: string }) =>
      fault.code === "UPSTREAM_UNAVAILABLE" && fault.message.includes(why),
  );
  assert.equal((await client.send("GET", targetOf(layer))).status, 502);
}

/** Goes on for as long as anybody takes it. */
function sendWithoutEnd(response: ServerResponse): void {
  const piece = randomBytes(64 * 1024);
  const go = () => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", go);
  go();
}

for (const [name, announced] of [["more", 1_000_000_000_000], ["fewer", 99_999]] as const) {
  Deno.test(`an upstream that announces ${name} bytes than the manifest says is left before a byte is stored`, async () => {
    await using lie = await openLie(100_000, (response) => {
      response.writeHead(200, { "content-length": announced });
      response.write(randomBytes(1000));
    });
    await assertRefused(
      lie,
      lie.layer,
      `has 100000 bytes, and the upstream says that it has ${announced}`,
    );
    await lie.closed;
    lie.assertNothingKept(2);
  });
}

Deno.test("an upstream that announces no size and sends more than the manifest says is cut there, and so is the client", async () => {
  await using lie = await openLie(100_000, (response) => {
    response.writeHead(200);
    sendWithoutEnd(response);
  });
  await lie.readUntilCut();
  await lie.closed;
  lie.assertNothingKept(1);
});

Deno.test("an upstream that announces no size and sends fewer bytes than the manifest says: the client gets no end", async () => {
  await using lie = await openLie(100_000, (response) => {
    response.writeHead(200);
    response.end(randomBytes(99_999));
  });
  await lie.readUntilCut();
  lie.assertNothingKept(1);
});

Deno.test("of a small blob nothing was sent yet, so that one of another size has a status", async () => {
  for (const sent of [999, 1001]) {
    await using lie = await openLie(1000, (response) => {
      response.writeHead(200);
      response.write(randomBytes(10), () => response.end(randomBytes(sent - 10)));
    });
    await assertRefused(lie, lie.layer, "the upstream sends more or fewer bytes of blob sha256:");
    lie.assertNothingKept(2);
  }
});

Deno.test("HEAD of a blob tells no size that its manifest does not", async () => {
  await using lie = await openLie(1000, (response) => {
    response.writeHead(200, { "content-length": 1001 });
    response.end();
  });
  assert.equal((await lie.client.send("HEAD", targetOf(lie.layer))).status, 502);
});

Deno.test("a blob whose size its upstream does not tell is read along all the same, and announced as large as it is", async () => {
  await using trial = await openTrial();
  const layer = makeContent(LAYER, randomBytes(200_000));
  await pullManifests(trial, manifestOf(layer));
  let end = () => {};
  trial.upstream.script = (_, response) => {
    response.writeHead(200);
    response.write(layer.bytes.subarray(0, 150_000));
    end = () => response.end(layer.bytes.subarray(150_000));
    return true;
  };
  const reader = await pullBlobThrough(trial.registry, APP, layer.digest as never);
  assert.equal(reader.size, 200_000);
  const read: Uint8Array[] = [];
  for await (const chunk of reader.read(0, 200_000)) {
    read.push(chunk);
    // What came first came before the end of it.
    if (read.length === 1) end();
  }
  assertSameBytes(concat(read), layer.bytes);
  reader.close();
});

Deno.test("another upstream whose blob has the size that the manifest says is taken instead", async () => {
  await using honest = await ScriptedUpstream.start();
  await using trial = await openTrial({ others: [honest] });
  const layer = makeContent(LAYER, randomBytes(100_000));
  await pullManifests(trial, manifestOf(layer));
  trial.upstream.addBlob(REMOTE, { ...layer, bytes: randomBytes(200_000) });
  honest.addBlob(REMOTE, layer);
  const { status, body } = await trial.client.send("GET", targetOf(layer));
  assert.equal(status, 200);
  assertSameBytes(body, layer.bytes);
});

Deno.test("where manifests contradict each other the true size comes, announced or not, and nothing beyond the largest", async () => {
  for (const announced of [true, false]) {
    await using trial = await openTrial();
    const { upstream, client } = trial;
    const layer = makeContent(LAYER, randomBytes(1000));
    await pullManifests(trial, manifestOf(layer), manifestOf(layer, 5), manifestOf(layer, 300_000));
    const sent = { bytes: layer.bytes };
    upstream.script = (_, response) => {
      response.writeHead(200, announced ? { "content-length": sent.bytes.length } : {});
      response.write(sent.bytes.subarray(0, 1), () => response.end(sent.bytes.subarray(1)));
      return true;
    };
    sent.bytes = randomBytes(300_001);
    const said = announced ? "says that it has 300001" : "sends more";
    await assertRefused(trial, layer, `has 5 or 1000 or 300000 bytes, and the upstream ${said}`);
    sent.bytes = layer.bytes;
    assertSameBytes((await client.send("GET", targetOf(layer))).body, layer.bytes);
  }
});

Deno.test("a blob that no manifest here names comes up to the largest size that any blob may have", async () => {
  await using trial = await openTrial();
  Object.assign(trial.registry.settings, { maxBlobSize: 150_000 });
  const [fits, tooLarge] = [100_000, 150_001].map((size) => makeContent(LAYER, randomBytes(size)));
  for (const blob of [fits!, tooLarge!]) trial.upstream.addBlob(REMOTE, blob);
  assertSameBytes((await trial.client.send("GET", targetOf(fits!))).body, fits!.bytes);
  const { status } = await trial.client.send("GET", targetOf(tooLarge!));
  assert.equal(status, 502);
  await until(() => trial.registry.blobs.uploads.size === 0);
});

Deno.test("a large manifest is read once for the sizes of its many layers", async () => {
  await using trial = await openTrial();
  const { registry } = trial;
  const layers = Array.from({ length: 3000 }, () => makeContent(LAYER, randomBytes(20)));
  const manifest = makeJsonContent(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: describeContent(buildImage().config),
    layers: layers.map(describeContent),
  });
  assert.ok(manifest.bytes.length > 256 * 1024);
  await pullManifests(trial, manifest);
  const read = registry.manifests.read.bind(registry.manifests);
  let reads = 0;
  registry.manifests.read = (sent) => (reads++, read(sent));
  for (const layer of layers.slice(0, 20)) {
    trial.upstream.addBlob(REMOTE, layer);
    assertSameBytes((await trial.client.send("GET", targetOf(layer))).body, layer.bytes);
  }
  assert.equal(reads, 1);
});
