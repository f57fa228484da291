/** Blobs of a mirror: one download for all who wait, read along while it comes, kept only when it is what it should be. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { Handled, StreamBody } from "../../src/http/message.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import {
  buildImage,
  type Content,
  makeContent,
  makeJsonContent,
  randomBytes,
} from "../harness/build_images.ts";
import { inTries } from "../harness/tries.ts";
import { until } from "../harness/until.ts";
import { concat } from "../model/bytes.ts";
import { makeRequest } from "../http/request_builder.ts";
import { ScriptedUpstream, sendJson } from "../upstream/scripted_upstream.ts";
import { APP, type MirrorTrial, openTrial, REMOTE } from "./mirror_trial.ts";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

const targetOf = ({ digest }: Content, repository = APP) => `/v2/${repository}/blobs/${digest}`;

/** A blob whose upstream sends as much as the test lets it. */
function sendByHand({ upstream }: MirrorTrial, { bytes, digest }: Content) {
  const asked = Promise.withResolvers<ServerResponse>();
  upstream.script = ({ method, path }, response) => {
    if (method !== "GET" || !path.endsWith(digest)) return false;
    response.writeHead(200, { "content-length": bytes.length });
    response.flushHeaders();
    asked.resolve(response);
    return true;
  };
  let at = 0;
  return {
    async send(upTo: number): Promise<void> {
      const response = await asked.promise;
      const end = upTo === bytes.length;
      await new Promise<void>((resolve) => {
        response.write(bytes.subarray(at, upTo), () => end ? response.end(resolve) : resolve());
      });
      at = upTo;
    },
    /** Ends the connection where it is, and answers what is asked then with a status, else honestly. */
    async cut(status?: number): Promise<void> {
      const response = await asked.promise;
      upstream.script = (_, next) => {
        if (status !== undefined) sendJson(next, status, {});
        return status !== undefined;
      };
      response.destroy();
    },
  };
}

/** Asks for a blob; gives its body to be read piece by piece. */
async function open({ client }: MirrorTrial, target: string, headers: Record<string, string> = {}) {
  const { request } = makeRequest("GET", target, { headers });
  const handled: Handled = await client.handle(request);
  assert.ok(handled.response.status < 300, `status ${handled.response.status}`);
  const body = handled.response.body as StreamBody;
  const iterator = body.chunks[Symbol.asyncIterator]();
  let ahead: Uint8Array = new Uint8Array();
  return {
    handled,
    /** The next bytes, so many unless the end comes first. */
    async read(bytes = Infinity): Promise<Uint8Array> {
      while (ahead.length < bytes) {
        const { done, value } = await iterator.next();
        if (done) break;
        ahead = concat([ahead, value]);
      }
      const read = ahead.subarray(0, bytes);
      ahead = ahead.subarray(read.length);
      return read;
    },
    leave: () => iterator.return!(),
  };
}

const stored = async ({ registry }: MirrorTrial, { digest }: Content) =>
  await registry.metadata.findBlob(APP, digest as never) !== undefined;

const nothingIsLeft = ({ registry }: MirrorTrial) =>
  registry.blobs.files.size + registry.blobs.uploads.size === 0;

Deno.test("a blob that is not here is downloaded once for 100 clients, and then is here", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const blob = makeContent(LAYER, randomBytes(300_000));
  upstream.addBlob(REMOTE, blob);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => client.send("GET", targetOf(blob))),
  );
  for (const { status, headers, body } of answers) {
    assert.equal(status, 200);
    assert.equal(headers["content-length"], String(blob.bytes.length));
    assertSameBytes(body, blob.bytes);
  }
  assertSameBytes((await client.send("GET", targetOf(blob))).body, blob.bytes);
  assert.deepEqual(upstream.asked.map(({ method }) => method), ["GET"]);
});

Deno.test("bytes reach the client as they arrive, and the last one when the whole has its digest", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(200_000));
  const byHand = sendByHand(trial, blob);
  const opened = open(trial, targetOf(blob));
  await byHand.send(1000);
  const client = await opened;
  assertSameBytes(await client.read(1000), blob.bytes.subarray(0, 1000));
  await byHand.send(150_000);
  assertSameBytes(await client.read(149_000), blob.bytes.subarray(1000, 150_000));
  await byHand.send(200_000);
  assertSameBytes(await client.read(), blob.bytes.subarray(150_000));
  assert.ok(await stored(trial, blob), "whoever has the last byte has what is stored");
});

Deno.test("a client that joins late gets everything from the start, and one that reads nothing holds up nobody", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(3_000_000));
  const byHand = sendByHand(trial, blob);
  const first = open(trial, targetOf(blob));
  await byHand.send(1_500_000);
  const idle = await first;
  const late = await open(trial, targetOf(blob));
  assertSameBytes(await late.read(1_000_000), blob.bytes.subarray(0, 1_000_000));
  await byHand.send(3_000_000);
  assertSameBytes(await late.read(), blob.bytes.subarray(1_000_000));
  assert.ok(await stored(trial, blob));
  assertSameBytes(await idle.read(), blob.bytes);
  assert.equal(trial.upstream.asked.length, 1);
});

Deno.test("a client that leaves does not end the download for the others, nor for later ones", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(200_000));
  const byHand = sendByHand(trial, blob);
  const opened = open(trial, targetOf(blob));
  await byHand.send(100_000);
  const client = await opened;
  await client.read(10);
  await client.leave();
  await byHand.send(200_000);
  await until(() => trial.registry.blobs.files.size === 1);
  assertSameBytes((await trial.client.send("GET", targetOf(blob))).body, blob.bytes);
  assert.equal(trial.upstream.asked.length, 1);
});

const LIES: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  "in its first byte": (bytes) => Uint8Array.of(bytes[0]! ^ 1, ...bytes.subarray(1)),
  "in its last byte": (bytes) => Uint8Array.of(...bytes.subarray(0, -1), bytes.at(-1)! ^ 1),
};

for (const [name, falsify] of Object.entries(LIES)) {
  Deno.test(`a blob that is another one ${name}: no client gets its end, nothing is kept, and the next one is honest`, async () => {
    await using trial = await openTrial();
    const blob = makeContent(LAYER, randomBytes(100_000));
    const lie = falsify(blob.bytes);
    const byHand = sendByHand(trial, { ...blob, bytes: lie });
    const opened = [open(trial, targetOf(blob)), open(trial, targetOf(blob))];
    await byHand.send(lie.length);
    for (const client of await Promise.all(opened)) {
      await assert.rejects(client.read(), { code: "UPSTREAM_UNAVAILABLE" });
      await client.leave();
    }
    assert.ok(nothingIsLeft(trial));
    assert.ok(
      trial.registry.lines.some(({ level, message }) =>
        level === "warn" && /nothing of it is kept/.test(message)
      ),
    );
    trial.upstream.script = () => false;
    trial.upstream.addBlob(REMOTE, blob);
    assertSameBytes((await trial.client.send("GET", targetOf(blob))).body, blob.bytes);
  });
}

Deno.test("a small blob that is another one has a status, since nothing was sent of it", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(1000));
  trial.upstream.addBlob(REMOTE, { ...blob, bytes: randomBytes(1000) });
  assert.equal((await trial.client.send("GET", targetOf(blob))).status, 502);
  assert.ok(nothingIsLeft(trial));
});

Deno.test("an upstream that breaks off in the middle: clients are cut, nothing is kept, the next pull works", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(200_000));
  const byHand = sendByHand(trial, blob);
  const opened = open(trial, targetOf(blob));
  await byHand.send(100_000);
  const client = await opened;
  await client.read(100_000);
  await byHand.cut(500);
  await assert.rejects(client.read(), { code: "UPSTREAM_UNAVAILABLE" });
  await client.leave();
  assert.ok(nothingIsLeft(trial));
  trial.upstream.script = () => false;
  trial.upstream.addBlob(REMOTE, blob);
  assertSameBytes((await trial.client.send("GET", targetOf(blob))).body, blob.bytes);
});

Deno.test("an upstream that breaks off and comes back is asked for the rest, and no client notices", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(200_000));
  trial.upstream.addBlob(REMOTE, blob);
  const byHand = sendByHand(trial, blob);
  const opened = open(trial, targetOf(blob));
  await byHand.send(100_000);
  const client = await opened;
  const half = await client.read(100_000);
  await byHand.cut();
  assertSameBytes(concat([half, await client.read()]), blob.bytes);
  assert.ok(await stored(trial, blob));
  assert.deepEqual(trial.upstream.asked.map(({ headers }) => headers["range"]), [undefined, "bytes=100000-"]);
});

Deno.test("the rest of a blob that another upstream has comes from there", async () => {
  await using other = await ScriptedUpstream.start();
  await using trial = await openTrial({ others: [other] });
  const blob = makeContent(LAYER, randomBytes(200_000));
  other.addBlob(REMOTE, blob);
  const byHand = sendByHand(trial, blob);
  const opened = open(trial, targetOf(blob));
  await byHand.send(100_000);
  const client = await opened;
  const half = await client.read(100_000);
  await byHand.cut(500);
  assertSameBytes(concat([half, await client.read()]), blob.bytes);
});

Deno.test(
  "an upstream that stands still: clients are cut when its time is up",
  inTries(async () => {
    await using trial = await openTrial({ target: { readTimeoutMs: 200 } });
    const blob = makeContent(LAYER, randomBytes(200_000));
    const byHand = sendByHand(trial, blob);
    const opened = open(trial, targetOf(blob));
    await byHand.send(100_000);
    const client = await opened;
    await assert.rejects(client.read(), { code: "UPSTREAM_UNAVAILABLE", status: 504 });
    await client.leave();
    assert.ok(nothingIsLeft(trial));
  }),
);

Deno.test("a part of a blob that is on its way ends only with the whole of it", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(200_000));
  const byHand = sendByHand(trial, blob);
  const opened = open(trial, targetOf(blob), { range: "bytes=1000-1999" });
  await byHand.send(100_000);
  const client = await opened;
  assert.equal(client.handled.response.status, 206);
  assert.equal(client.handled.response.headers["content-range"], "bytes 1000-1999/200000");
  assertSameBytes(await client.read(999), blob.bytes.subarray(1000, 1999));
  const last = client.read();
  await byHand.send(200_000);
  assertSameBytes(await last, blob.bytes.subarray(1999, 2000));
  const again = await trial.client.send("GET", targetOf(blob), { headers: { range: "bytes=-10" } });
  assertSameBytes(again.body, blob.bytes.subarray(-10));
});

Deno.test("HEAD of a blob asks by HEAD, and downloads nothing", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const blob = makeContent(LAYER, randomBytes(100_000));
  upstream.addBlob(REMOTE, blob);
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => client.send("HEAD", targetOf(blob))),
  );
  for (const { status, headers } of answers) {
    assert.deepEqual([status, headers["content-length"]], [200, "100000"]);
  }
  assert.deepEqual(upstream.asked.map(({ method }) => method), ["HEAD"]);
  assert.ok(!await stored(trial, blob));
  const unknown = makeContent(LAYER, randomBytes(10));
  assert.equal((await client.send("HEAD", targetOf(unknown))).status, 404);
  assert.equal((await client.send("GET", targetOf(unknown))).status, 404);
});

Deno.test("a blob whose length the upstream does not tell is sent when it is complete", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(200_000));
  trial.upstream.script = (_, response) => {
    response.writeHead(200);
    response.write(blob.bytes.subarray(0, 1000), () => response.end(blob.bytes.subarray(1000)));
    return true;
  };
  const { headers, body } = await trial.client.send("GET", targetOf(blob));
  assert.equal(headers["content-length"], "200000");
  assertSameBytes(body, blob.bytes);
});

Deno.test("an empty blob, and a claim that another one is empty", async () => {
  await using trial = await openTrial();
  const [empty, other] = [makeContent(LAYER, new Uint8Array()), makeContent(LAYER, randomBytes(9))];
  trial.upstream.addBlob(REMOTE, empty);
  trial.upstream.addBlob(REMOTE, { ...other, bytes: new Uint8Array() });
  assert.equal((await trial.client.send("GET", targetOf(empty))).headers["content-length"], "0");
  assert.equal((await trial.client.send("GET", targetOf(other))).status, 502);
});

Deno.test("a blob that another repository of the same upstream holds is not downloaded again, if the upstream has it here too", async () => {
  await using trial = await openTrial();
  const { upstream, client, registry } = trial;
  const [shared, elsewhere] = [100_000, 100].map((size) => makeContent(LAYER, randomBytes(size)));
  for (const content of [shared!, elsewhere!]) {
    upstream.addBlob("library/base", content);
    assert.equal((await client.send("GET", `/v2/hub/library/base/blobs/${content.digest}`)).status, 200);
  }
  upstream.addBlob(REMOTE, shared!);
  upstream.asked.length = 0;
  assertSameBytes((await client.send("GET", targetOf(shared!))).body, shared!.bytes);
  assert.equal((await client.send("GET", targetOf(elsewhere!))).status, 404);
  assert.deepEqual(new Set(upstream.asked.map(({ method }) => method)), new Set(["HEAD", "GET"]));
  assert.equal(upstream.count("GET", new RegExp(shared!.digest)), 0);
  assert.equal(registry.blobs.files.size, 2);
});

Deno.test("an upstream that says it has a blob of somebody else's repository here does not get it into its mirror", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const secret = makeContent(LAYER, randomBytes(100_000));
  const target = `/v2/team/app/blobs/uploads/?digest=${secret.digest}`;
  assert.equal((await client.send("POST", target, { body: secret.bytes })).status, 201);
  upstream.addBlob(REMOTE, { ...secret, bytes: randomBytes(100) });
  assert.equal((await client.send("GET", targetOf(secret))).status, 502);
  upstream.addBlob(REMOTE, secret);
  assertSameBytes((await client.send("GET", targetOf(secret))).body, secret.bytes);
});

Deno.test("addresses of foreign layers are kept as they are and never asked", async () => {
  await using canary = await ScriptedUpstream.start();
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const { config } = buildImage();
  const layer = makeContent("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", randomBytes(10));
  const manifest = makeJsonContent("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: config.mediaType, digest: config.digest, size: config.bytes.length },
    layers: [{
      mediaType: layer.mediaType,
      digest: layer.digest,
      size: layer.bytes.length,
      urls: [`${canary.url}/v2/x/blobs/${layer.digest}`],
    }],
  });
  upstream.addManifest(REMOTE, manifest, "latest");
  assertSameBytes((await client.send("GET", `/v2/${APP}/manifests/latest`)).body, manifest.bytes);
  assert.equal((await client.send("GET", targetOf(layer))).status, 404);
  assert.deepEqual(canary.asked, []);
});

Deno.test("what is deleted here is fetched again by the next pull", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const blob = makeContent(LAYER, randomBytes(1000));
  upstream.addBlob(REMOTE, blob);
  await client.send("GET", targetOf(blob));
  assert.equal((await client.send("DELETE", targetOf(blob))).status, 202);
  assertSameBytes((await client.send("GET", targetOf(blob))).body, blob.bytes);
  assert.equal(upstream.count("GET", /blobs/), 2);
});

Deno.test("a quota that is used up is told as missing room, and nothing is kept", async () => {
  await using trial = await openTrial({ repository: { quota: { bytes: 1000 } } });
  const { upstream, client } = trial;
  const blob = makeContent(LAYER, randomBytes(2000));
  upstream.addBlob(REMOTE, blob);
  assert.equal((await client.send("GET", targetOf(blob))).status, 507);
  assert.ok(nothingIsLeft(trial));
});

Deno.test("names below the mirror are names upstream", async () => {
  await using trial = await openTrial();
  const blob = makeContent(LAYER, randomBytes(10));
  trial.upstream.addBlob("a/b/c", blob);
  const target = targetOf(blob, parseRepositoryName("hub/a/b/c"));
  assert.equal((await trial.client.send("GET", target)).status, 200);
});
