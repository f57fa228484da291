/** Every row of the OCI conformance suite (main, with dev) about blobs, for both digest algorithms. */
import assert from "node:assert/strict";
import type { DigestAlgorithm } from "../../src/core/digest.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { type Content, contentOf, makeBlob, startSession } from "./content.ts";
import { type Answer, type Client, makeClient } from "./request_builder.ts";

const REPO1 = "conformance/repo1";
const REPO2 = "conformance/repo2";
const OCTETS = { "content-type": "application/octet-stream" };

/** How a blob is pushed; each ends with the last answer. */
type Push = (client: Client, repository: string, blob: Content) => Promise<Answer>;

const postOnly: Push = (client, repository, { bytes, digest }) =>
  client.send("POST", `/v2/${repository}/blobs/uploads/?digest=${encodeURIComponent(digest)}`, {
    headers: OCTETS,
    body: bytes,
  });

const postPut: Push = async (client, repository, { bytes, digest }) =>
  await client.send("PUT", withDigest(await startSession(client, repository), digest), {
    headers: OCTETS,
    body: bytes,
  });

const stream: Push = async (client, repository, { bytes, digest }) => {
  const session = await startSession(client, repository);
  const patch = await client.send("PATCH", session, { headers: OCTETS, body: bytes, chunked: true });
  assert.equal(patch.status, 202);
  return await client.send("PUT", withDigest(patch.headers["location"]!, digest), { headers: OCTETS });
};

/** Three chunks (one where the blob is small), as the suite cuts them. */
function chunked({ putLast = false, outOfOrder = false } = {}): Push {
  return async (client, repository, { bytes, digest }) => {
    const size = Math.min(bytes.length, Math.max(1024, Math.floor(bytes.length / 3) + 1));
    let location = await startSession(client, repository);
    const sendPiece = (first: number) => {
      const last = Math.min(first + size, bytes.length) - 1;
      const put = putLast && last === bytes.length - 1;
      return client.send(put ? "PUT" : "PATCH", put ? withDigest(location, digest) : location, {
        headers: { ...OCTETS, "content-range": `${first}-${last}` },
        body: bytes.slice(first, last + 1),
      });
    };
    let answer: Answer | undefined;
    for (let first = 0; first < bytes.length; first += size) {
      if (outOfOrder) {
        const ahead = first + size >= bytes.length ? 0 : first + size;
        // The suite's last chunk skips back to the start, which is in order only for the first.
        if (ahead !== first) assert.equal((await sendPiece(ahead)).status, 416);
        const status = await client.send("GET", withDigest(location, digest));
        assert.deepEqual([status.status, status.headers["range"]], [204, `0-${Math.max(0, first - 1)}`]);
        location = status.headers["location"]!;
      }
      answer = await sendPiece(first);
      if (answer.status === 202) {
        assert.equal(answer.headers["range"], `0-${Math.min(first + size, bytes.length) - 1}`);
        location = answer.headers["location"]!;
      }
    }
    return putLast ? answer! : await client.send("PUT", withDigest(location, digest), { headers: OCTETS });
  };
}

/** As Go's url.Values encodes it. */
function withDigest(location: string, digest: string): string {
  return `${location}?digest=${encodeURIComponent(digest)}`;
}

async function assertPushed(client: Client, answer: Answer, { bytes, digest }: Content): Promise<void> {
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.headers["docker-content-digest"], digest);
  const pulled = await client.send("GET", answer.headers["location"]!);
  assert.deepEqual([pulled.status, pulled.body], [200, bytes]);
}

/** The rows that follow each push: blob-head, blob-get, blob-delete and that it is gone at once. */
async function assertLifeOfBlob(
  client: Client,
  repository: string,
  { bytes, digest }: Content,
): Promise<void> {
  const path = `/v2/${repository}/blobs/${digest}`;
  const [head, get] = [await client.send("HEAD", path), await client.send("GET", path)];
  for (const { status, headers } of [head, get]) {
    assert.deepEqual(
      [status, headers["content-length"], headers["docker-content-digest"]],
      [200, String(bytes.length), digest],
    );
  }
  assert.deepEqual([head.body.length, get.body], [0, bytes]);
  assert.equal((await client.send("DELETE", path)).status, 202);
  assert.equal((await client.send("HEAD", path)).status, 404);
}

const PUSHES: [row: string, size: number, push: Push][] = [
  ["post only", 512, postOnly],
  ["post+put", 512, postPut],
  ["chunked single", 512, chunked()],
  ["stream", 512, stream],
  ["chunked multi", 3067, chunked()],
  ["chunked multi and put chunk", 3067, chunked({ putLast: true })],
  ["chunked out-of-order", 3067, chunked({ outOfOrder: true })],
  ["chunked out-of-order and put chunk", 3067, chunked({ outOfOrder: true, putLast: true })],
];

const BAD_DIGESTS: [row: string, push: Push][] = [
  ["bad digest post only", postOnly],
  ["bad digest post+put", postPut],
  ["bad digest chunked", chunked()],
  ["bad digest chunked and put chunk", chunked({ putLast: true })],
  ["bad digest stream", stream],
];

const RANGES: [range: string, first: number, end: number][] = [
  ["500-1499", 500, 1500],
  ["500-", 500, 2048],
  ["-500", 1548, 2048],
  ["2000-5000", 2000, 2048],
];

function testRow(title: string, run: (client: Client) => Promise<void>): void {
  Deno.test(`conformance (main): ${title}`, () => run(makeClient(makeModelRegistry())));
}

for (const algorithm of ["sha256", "sha512"] as DigestAlgorithm[]) {
  testRow(`${algorithm} blobs, get-missing`, async (client) => {
    assert.equal(
      (await client.send("GET", `/v2/${REPO1}/blobs/${makeBlob(1, algorithm).digest}`)).status,
      404,
    );
  });

  for (const [row, size, push] of PUSHES) {
    testRow(`${algorithm} blobs, ${row}`, async (client) => {
      const blob = makeBlob(size, algorithm);
      await assertPushed(client, await push(client, REPO1, blob), blob);
      await assertLifeOfBlob(client, REPO1, blob);
    });
  }

  for (const [row, from] of [["mount", `&from=${encodeURIComponent(REPO2)}`], ["mount anonymous", ""]]) {
    testRow(`${algorithm} blobs, ${row}`, async (client) => {
      const blob = makeBlob(512, algorithm);
      await postPut(client, REPO2, blob);
      const mount = `/v2/${REPO1}/blobs/uploads/?mount=${encodeURIComponent(blob.digest)}${from}`;
      await assertPushed(client, await client.send("POST", mount), blob);
      await assertLifeOfBlob(client, REPO1, blob);
      await assertLifeOfBlob(client, REPO2, blob);
    });
  }

  testRow(`${algorithm} blobs, mount missing`, async (client) => {
    const blob = makeBlob(512, algorithm);
    const mount = `/v2/${REPO1}/blobs/uploads/?mount=${blob.digest}&from=${REPO2}`;
    const answer = await client.send("POST", mount);
    assert.equal(answer.status, 202);
    const put = withDigest(answer.headers["location"]!, blob.digest);
    await assertPushed(client, await client.send("PUT", put, { headers: OCTETS, body: blob.bytes }), blob);
    await assertLifeOfBlob(client, REPO1, blob);
  });

  testRow(`${algorithm} blobs, post cancel`, async (client) => {
    assert.equal((await client.send("DELETE", await startSession(client, REPO1))).status, 204);
    const absent = makeBlob(512, algorithm);
    assert.equal((await client.send("DELETE", `/v2/${REPO1}/blobs/${absent.digest}`)).status, 404);
  });

  for (const [range, first, end] of RANGES) {
    testRow(`${algorithm} blobs, range requests, range ${range}`, async (client) => {
      const blob = makeBlob(2048, algorithm);
      await postOnly(client, REPO1, blob);
      const answer = await client.send("GET", `/v2/${REPO1}/blobs/${blob.digest}`, {
        headers: { range: `bytes=${range}` },
      });
      assert.deepEqual([answer.status, answer.body], [206, blob.bytes.slice(first, end)]);
      assert.equal(answer.headers["content-length"], String(end - first));
      assert.equal(answer.headers["content-range"], `bytes ${first}-${end - 1}/2048`);
    });
  }

  for (const range of ["500-0", "5000-10000"]) {
    testRow(`${algorithm} blobs, range requests, range ${range}`, async (client) => {
      const blob = makeBlob(2048, algorithm);
      await postOnly(client, REPO1, blob);
      const headers = { range: `bytes=${range}` };
      assert.equal((await client.send("GET", `/v2/${REPO1}/blobs/${blob.digest}`, { headers })).status, 416);
    });
  }

  for (const [row, text] of [["empty", ""], ["emptyJSON", "{}"]] as const) {
    for (const [way, push] of [["post only", postOnly], ["post+put", postPut], ["stream", stream]] as const) {
      testRow(`${algorithm} blobs, ${row} by ${way}`, async (client) => {
        const blob = contentOf(text, algorithm);
        await assertPushed(client, await push(client, REPO1, blob), blob);
        await assertLifeOfBlob(client, REPO1, blob);
      });
    }
  }

  for (const [row, push] of BAD_DIGESTS) {
    testRow(`${algorithm} blobs, ${row}`, async (client) => {
      const { bytes, digest } = makeBlob(3067, algorithm);
      const corrupt = { bytes: new Uint8Array([...bytes, 1, 2, 3]), digest };
      assert.equal((await push(client, REPO1, corrupt)).status, 400);
      assert.equal((await client.send("HEAD", `/v2/${REPO1}/blobs/${digest}`)).status, 404);
    });
  }
}
