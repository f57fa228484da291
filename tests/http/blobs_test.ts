/** Pull, check and delete of blobs, through the handler. */
import assert from "node:assert/strict";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";
import { assertRefused, type Content, makeBlob, pushBlob, pushImage } from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

interface Held {
  registry: ModelRegistry;
  client: Client;
  blob: Content;
  path: string;
}

/** A registry that holds one blob of 2,048 bytes in repository "app". */
async function holdBlob(): Promise<Held> {
  const registry = makeModelRegistry();
  const client = makeClient(registry);
  const blob = makeBlob(2048);
  await pushBlob(client, "app", blob);
  return { registry, client, blob, path: `/v2/app/blobs/${blob.digest}` };
}

/** Runs a test once with blobs that are at hand and once with blobs that are read in pieces. */
function testBoth(title: string, run: (held: Held) => Promise<void>): void {
  for (const [manner, wholeUpTo] of [["at hand", 1e9], ["read in pieces", 0]] as const) {
    Deno.test(`${title} (${manner})`, async () => {
      const held = await holdBlob();
      held.registry.blobs.wholeUpTo = wholeUpTo;
      await run(held);
      assert.equal(held.registry.blobs.openCount, 0, "a blob was left open");
    });
  }
}

testBoth("GET of a blob sends its bytes, as bytes and nothing else", async ({ client, blob, path }) => {
  const answer = await client.send("GET", path);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, blob.bytes);
  assert.deepEqual(answer.headers, {
    "content-type": "application/octet-stream",
    "content-length": "2048",
    "docker-content-digest": blob.digest,
    "etag": `"${blob.digest}"`,
    "cache-control": "private, max-age=31536000, immutable",
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
  });
  assert.equal(answer.handled.action, "get-blob");
});

testBoth("HEAD of a blob answers as GET does, without the body", async ({ client, path }) => {
  const [head, get] = [await client.send("HEAD", path), await client.send("GET", path)];
  assert.equal(head.status, 200);
  assert.deepEqual(head.headers, get.headers);
  assert.equal(head.handled.response.body, undefined);
});

testBoth("GET and HEAD of an empty blob answer with length 0", async ({ client }) => {
  const blob = makeBlob(0);
  await pushBlob(client, "app", blob);
  for (const method of ["GET", "HEAD"]) {
    const answer = await client.send(method, `/v2/app/blobs/${blob.digest}`);
    assert.deepEqual([answer.status, answer.headers["content-length"]], [200, "0"]);
  }
});

Deno.test("GET and HEAD of a blob that the repository does not hold answer BLOB_UNKNOWN", async () => {
  const { client, blob } = await holdBlob();
  for (const path of [`/v2/app/blobs/${makeBlob().digest}`, `/v2/other/blobs/${blob.digest}`]) {
    assertRefused(await client.send("GET", path), 404, "BLOB_UNKNOWN");
    const head = await client.send("HEAD", path);
    assert.equal(head.status, 404);
    assert.equal(head.handled.response.body, undefined);
  }
});

const RANGES: [header: string, first: number, last: number][] = [
  ["bytes=500-1499", 500, 1499],
  ["bytes=500-", 500, 2047],
  ["bytes=-500", 1548, 2047],
  ["bytes=2000-5000", 2000, 2047],
  ["bytes=0-0", 0, 0],
  ["bytes=0-", 0, 2047],
  ["bytes=9000-,10-12", 10, 12],
];
for (const [header, first, last] of RANGES) {
  testBoth(`Range ${header} is answered with bytes ${first} to ${last}`, async ({ client, blob, path }) => {
    const answer = await client.send("GET", path, { headers: { range: header } });
    assert.equal(answer.status, 206);
    assert.equal(answer.headers["content-range"], `bytes ${first}-${last}/2048`);
    assert.equal(answer.headers["content-length"], String(last - first + 1));
    assert.equal(answer.headers["content-type"], "application/octet-stream");
    assert.equal(answer.headers["docker-content-digest"], blob.digest);
    assert.deepEqual(answer.body, blob.bytes.slice(first, last + 1));
  });
}

testBoth("a Range that cannot be satisfied is answered with 416 and the size", async ({ client, path }) => {
  for (const range of ["bytes=5000-10000", "bytes=2048-", "bytes=500-0", "bytes=-0"]) {
    const answer = await client.send("GET", path, { headers: { range } });
    assertRefused(answer, 416, "SIZE_INVALID");
    assert.equal(answer.headers["content-range"], "bytes */2048");
  }
});

testBoth("a Range that is not understood is answered with the whole", async ({ client, blob, path }) => {
  for (const range of ["items=0-1", "bytes=a-b", "bytes=0-10,5-20"]) {
    const answer = await client.send("GET", path, { headers: { range } });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, blob.bytes);
  }
});

testBoth("several ranges are answered with multipart/byteranges of the stated length", async (held) => {
  const answer = await held.client.send("GET", held.path, {
    headers: { range: "bytes=2000-2047,0-99,-1948" },
  });
  assert.equal(answer.status, 200, "overlapping ranges");
  const many = await held.client.send("GET", held.path, { headers: { range: "bytes=2000-2047,0-99,9999-" } });
  assert.equal(many.status, 206);
  assert.equal(many.headers["content-length"], String(many.body.length));
  assert.equal(many.headers["content-range"], undefined);
  const boundary =
    /^multipart\/byteranges; boundary=([0-9a-f-]{36})$/.exec(many.headers["content-type"]!)![1];
  const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const part = (first: number, last: number) =>
    `--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${first}-${last}/2048\r\n\r\n` +
    latin1(held.blob.bytes.slice(first, last + 1)) + "\r\n";
  assert.equal(latin1(many.body), `${part(2000, 2047)}${part(0, 99)}--${boundary}--\r\n`);
});

testBoth("1,024 ranges are answered part by part", async ({ client, path }) => {
  const range = "bytes=" + Array.from({ length: 1024 }, (_, i) => `${2 * i}-${2 * i}`).join(",");
  const answer = await client.send("GET", path, { headers: { range } });
  assert.equal(answer.status, 206);
  assert.equal(answer.headers["content-length"], String(answer.body.length));
  assert.equal(answer.text.split("content-range: ").length, 1025);
});

testBoth("Range holds under the right If-Range only", async ({ client, blob, path }) => {
  const conditions: [value: string, status: number][] = [
    [`"${blob.digest}"`, 206],
    [`W/"${blob.digest}"`, 200],
    [`"sha256:other"`, 200],
    ["*", 200],
    ["Wed, 21 Oct 2015 07:28:00 GMT", 200],
  ];
  for (const [value, status] of conditions) {
    const answer = await client.send("GET", path, { headers: { "range": "bytes=0-9", "if-range": value } });
    assert.equal(answer.status, status, value);
  }
});

testBoth("Range does not change the answer to HEAD", async ({ client, path }) => {
  const answer = await client.send("HEAD", path, { headers: { range: "bytes=0-9" } });
  assert.deepEqual([answer.status, answer.headers["content-length"]], [200, "2048"]);
});

testBoth("If-None-Match with the digest is answered with 304", async ({ client, blob, path }) => {
  const etag = `"${blob.digest}"`;
  const matching = [etag, `W/${etag}`, "*", `"x", ${etag}`, ['"x"', etag]];
  for (const value of matching) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await client.send(method, path, {
        headers: { "if-none-match": value, "range": "bytes=0-9" },
      });
      assert.equal(answer.status, 304);
      assert.equal(answer.headers["etag"], etag);
      assert.equal(answer.headers["cache-control"], "private, max-age=31536000, immutable");
      assert.equal(answer.headers["content-length"], undefined);
      assert.equal(answer.body.length, 0);
    }
  }
  for (const value of ['"x"', blob.digest, `"${blob.digest}x"`, ""]) {
    assert.equal(
      (await client.send("GET", path, { headers: { "if-none-match": value } })).status,
      200,
      value,
    );
  }
});

Deno.test("a blob that is left in the middle, or never asked for, is closed", async () => {
  const { registry, client, path } = await holdBlob();
  registry.blobs.wholeUpTo = 0;
  for (const steps of [0, 1]) {
    const { makeRequest } = await import("./request_builder.ts");
    const { response } = await client.handle(makeRequest("GET", path).request);
    assert.ok(response.body !== undefined && !(response.body instanceof Uint8Array));
    const iterator = response.body.chunks[Symbol.asyncIterator]();
    for (let i = 0; i < steps; i++) await iterator.next();
    await iterator.return!();
    assert.equal(registry.blobs.openCount, 0);
  }
});

Deno.test("a blob whose bytes break off ends its body with a fault and is closed", async () => {
  const { registry, client, path } = await holdBlob();
  registry.blobs.wholeUpTo = 0;
  const open = registry.blobs.open.bind(registry.blobs);
  registry.blobs.open = async (file, size) => {
    const reader = (await open(file, size))!;
    return {
      ...reader,
      // deno-lint-ignore require-yield -- it breaks before the first piece
      read: async function* () {
        throw new Error("EIO");
      },
    };
  };
  await assert.rejects(client.send("GET", path), { message: "EIO" });
  assert.equal(registry.blobs.openCount, 0);
});

Deno.test("DELETE of a blob takes it from this repository only", async () => {
  const { registry, client, blob, path } = await holdBlob();
  await client.send("POST", `/v2/other/blobs/uploads/?mount=${blob.digest}&from=app`);
  assert.equal((await client.send("DELETE", path)).status, 202);
  assertRefused(await client.send("GET", path), 404, "BLOB_UNKNOWN");
  assertRefused(await client.send("DELETE", path), 404, "BLOB_UNKNOWN");
  assert.equal((await client.send("GET", `/v2/other/blobs/${blob.digest}`)).status, 200);
  assert.equal((await client.send("DELETE", `/v2/other/blobs/${blob.digest}`)).status, 202);
  assert.equal(registry.blobs.files.size, 0);
});

Deno.test("DELETE of a blob that a manifest references is refused with 405 until the manifest is gone", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest, config, layer } = await pushImage(client, "app", "latest");
  for (const { digest } of [config, layer]) {
    const answer = await client.send("DELETE", `/v2/app/blobs/${digest}`);
    assertRefused(answer, 405, "DENIED");
    assert.equal(answer.headers["allow"], "GET, HEAD");
    assert.deepEqual(answer.json.errors[0].detail, { manifest: manifest.digest });
  }
  await client.send("DELETE", `/v2/app/manifests/${manifest.digest}`);
  assert.equal((await client.send("DELETE", `/v2/app/blobs/${layer.digest}`)).status, 202);
});
