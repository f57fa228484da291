/** curl speaks the API over HTTPS: ranges, interrupted transfers, Expect, conditional requests. */

import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, type Content, makeContent, randomBytes } from "../harness/build_images.ts";
import { testWith } from "../harness/real_clients.ts";
import { shareRegistry } from "../harness/shared_registry.ts";
import { inTries } from "../harness/tries.ts";

const needs = { programs: ["curl"] };
const shared = shareRegistry(needs);
const test = testWith(needs);
const OCTETS = ["-H", "Content-Type: application/octet-stream"];

async function curl(...args: string[]) {
  const common = ["--silent", "--show-error", "--http1.1", "--cacert", shared.registry.caFile];
  return await shared.run(["curl", ...common, ...args]);
}

/** Runs curl and gives the status, the headers (lower-case names) and the body. */
async function request(...args: string[]) {
  const result = await curl("--dump-header", "headers", ...args);
  const [statusLine = "", ...lines] = (await Deno.readTextFile(`${shared.workDir}/headers`))
    .trim().split(/\r?\n\r?\n/).at(-1)?.split(/\r?\n/) ?? [];
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  return { status: Number(statusLine.split(" ")[1]), headers, body: result.stdoutBytes };
}

const blobUrl = (repository: string, digest: string) =>
  `${shared.registry.url}/v2/${repository}/blobs/${digest}`;

async function pushRandomBlob(repository: string, size: number): Promise<Content> {
  const content = makeContent("application/octet-stream", randomBytes(size));
  await shared.api.pushBlob(repository, content);
  return content;
}

/** Opens an upload session and gives its absolute URL. */
async function openUpload(repository: string): Promise<string> {
  return new URL(await shared.api.openUpload(repository), shared.registry.url).href;
}

async function writeFile(name: string, bytes: Uint8Array): Promise<string> {
  await Deno.writeFile(`${shared.workDir}/${name}`, bytes);
  return name;
}

function withDigest(location: string, digest: string): string {
  const url = new URL(location, shared.registry.url);
  url.searchParams.set("digest", digest);
  return url.href;
}

test("curl finds the API version at /v2/", async () => {
  const { status } = await request(`${shared.registry.url}/v2/`);
  assert.equal(status, 200);
});

test("curl reads a range of a blob", async () => {
  const content = await pushRandomBlob("curl/range", 300_000);
  const { status, headers, body } = await request(
    "--range",
    "1000-1999",
    blobUrl("curl/range", content.digest),
  );
  assert.equal(status, 206);
  assert.equal(headers.get("content-range"), "bytes 1000-1999/300000");
  assertSameBytes(body, content.bytes.slice(1000, 2000));
});

test("curl reads the last bytes of a blob by a suffix range", async () => {
  const content = await pushRandomBlob("curl/suffix", 5000);
  const { status, body } = await request("--range", "-10", blobUrl("curl/suffix", content.digest));
  assert.equal(status, 206);
  assertSameBytes(body, content.bytes.slice(-10));
});

test("curl resumes an interrupted download", async () => {
  const content = await pushRandomBlob("curl/resume-download", 2_000_000);
  await writeFile("partial", content.bytes.slice(0, 700_001));
  await curl("--continue-at", "-", "--output", "partial", blobUrl("curl/resume-download", content.digest));
  assertSameBytes(await Deno.readFile(`${shared.workDir}/partial`), content.bytes);
});

test(
  "curl resumes an upload that was cut in the middle of a PATCH",
  inTries(async () => {
    const content = makeContent("application/octet-stream", randomBytes(6_000_000));
    const location = await openUpload("curl/resume-upload");
    await writeFile("whole", content.bytes);
    const cut = ["--limit-rate", "1M", "--max-time", "2", "--upload-file", "whole", "--request", "PATCH"];
    const failed = await shared.runFailing(
      ["curl", "--silent", "--http1.1", "--cacert", shared.registry.caFile, ...cut, ...OCTETS, location],
    );
    assert.equal(failed.code, 28, "curl should have run into its time limit");

    const { offset, url } = await resumeFrom(location, content.bytes);
    assert.ok(offset < content.bytes.length, `the whole blob has arrived: ${offset}`);
    const finished = await request("--request", "PUT", "--data-binary", "", withDigest(url, content.digest));
    assert.equal(finished.status, 201);
    const { body } = await request(blobUrl("curl/resume-upload", content.digest));
    assertSameBytes(body, content.bytes);
  }),
);

/** Sends what is missing, as a client does: asks for the offset, and again while the cut request still holds the session. */
async function resumeFrom(location: string, bytes: Uint8Array): Promise<{ offset: number; url: string }> {
  let lastAnswer = "none";
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    const asked = await request(location);
    if (asked.status === 204) {
      const offset = Number(/^0-(\d+)$/.exec(asked.headers.get("range") ?? "")?.[1] ?? -1) + 1;
      const url = new URL(asked.headers.get("location") ?? location, location).href;
      await writeFile("rest", bytes.slice(offset));
      const headers = [...OCTETS, "-H", "Expect:", "-H", `Content-Range: ${offset}-${bytes.length - 1}`];
      const sent = await request("--request", "PATCH", "--upload-file", "rest", ...headers, url);
      if (sent.status === 202) return { offset, url: sent.headers.get("location") ?? url };
      lastAnswer = `${sent.status} to PATCH from ${offset}: ${new TextDecoder().decode(sent.body)}`;
    } else {
      lastAnswer = `${asked.status} to GET: ${new TextDecoder().decode(asked.body)}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return assert.fail(
    `the upload session could not be resumed within a minute; the last answer was ${lastAnswer}`,
  );
}

test("curl streams an upload of unknown length in chunks", async () => {
  const content = makeContent("application/octet-stream", randomBytes(3_000_000));
  const location = await openUpload("curl/stream");
  const chunked = ["--request", "PATCH", "--upload-file", "-", "-H", "Transfer-Encoding: chunked", ...OCTETS];
  const sent = await shared.run(
    ["curl", "-sS", "--http1.1", "--cacert", shared.registry.caFile, "-D", "-", ...chunked, location],
    { stdin: content.bytes },
  );
  assert.match(sent.stdout, /^HTTP\/1\.1 202/m);
  assert.match(sent.stdout, /^range: 0-2999999\r?$/im);
  const next = /^location: (\S+)/im.exec(sent.stdout)?.[1] ?? location;
  const finished = await request("--request", "PUT", "--data-binary", "", withDigest(next, content.digest));
  assert.equal(finished.status, 201);
});

test("curl uploads a blob in two chunks and a chunk out of order is refused", async () => {
  const content = makeContent("application/octet-stream", randomBytes(2000));
  const location = await openUpload("curl/chunks");
  await writeFile("chunk-1", content.bytes.slice(0, 1000));
  await writeFile("chunk-2", content.bytes.slice(1000));
  const patch = (file: string, range: string, url: string) =>
    request(
      "--request",
      "PATCH",
      "--data-binary",
      `@${file}`,
      ...OCTETS,
      "-H",
      `Content-Range: ${range}`,
      url,
    );
  const first = await patch("chunk-1", "0-999", location);
  assert.equal(first.status, 202);
  const next = new URL(first.headers.get("location") ?? location, shared.registry.url).href;
  const early = await patch("chunk-2", "1500-2499", next);
  assert.equal(early.status, 416);
  assert.equal(early.headers.get("range"), "0-999");
  const second = await patch("chunk-2", "1000-1999", next);
  assert.equal(second.status, 202);
  const end = withDigest(second.headers.get("location") ?? next, content.digest);
  assert.equal((await request("--request", "PUT", "--data-binary", "", end)).status, 201);
});

test("curl uploads a blob in one POST", async () => {
  const content = makeContent("application/octet-stream", randomBytes(50_000));
  await writeFile("monolith", content.bytes);
  const url = `${shared.registry.url}/v2/curl/monolith/blobs/uploads/?digest=${content.digest}`;
  const { status, headers } = await request("--data-binary", "@monolith", ...OCTETS, url);
  assert.equal(status, 201);
  assert.equal(headers.get("docker-content-digest"), content.digest);
});

test("curl is told to continue before it sends the body of an upload", async () => {
  const content = makeContent("application/octet-stream", randomBytes(100_000));
  await writeFile("expected", content.bytes);
  const location = await openUpload("curl/continue");
  const put = ["--verbose", "--upload-file", "expected", "-H", "Expect: 100-continue", ...OCTETS];
  const { stderr } = await curl(...put, withDigest(location, content.digest));
  assert.match(stderr, /^< HTTP\/1\.1 100 Continue/m);
  assert.match(stderr, /^< HTTP\/1\.1 201 Created/m);
});

test("curl is refused before it sends the body when the upload session does not exist", async () => {
  const content = makeContent("application/octet-stream", randomBytes(3_000_000));
  await writeFile("unwanted", content.bytes);
  const location = await openUpload("curl/no-session");
  await (await shared.api.expect(204, "DELETE", location)).body?.cancel();
  const put = ["--verbose", "--upload-file", "unwanted", "-H", "Expect: 100-continue", ...OCTETS];
  const { stderr, stdout } = await curl(
    ...["--write-out", "\nsent %{size_upload}", ...put],
    withDigest(location, content.digest),
  );
  assert.doesNotMatch(stderr, /100 Continue/);
  assert.match(stderr, /^< HTTP\/1\.1 404/m);
  assert.match(stdout, /BLOB_UPLOAD_UNKNOWN/);
  assert.match(stdout, /\nsent 0$/);
});

test("curl gets 304 for a manifest that it has and for a blob that it has", async () => {
  const image = buildImage();
  await shared.api.pushImage("curl/conditional", image, "v1");
  for (const path of ["manifests/v1", `blobs/${image.config.digest}`]) {
    const url = `${shared.registry.url}/v2/curl/conditional/${path}`;
    const etag = (await request(url)).headers.get("etag") ?? assert.fail(`no ETag for ${path}`);
    const again = await request("-H", `If-None-Match: ${etag}`, url);
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  }
});

test("curl sees the same headers on HEAD as on GET", async () => {
  const image = buildImage();
  await shared.api.pushImage("curl/head", image, "v1");
  for (const path of ["manifests/v1", `blobs/${image.config.digest}`, "tags/list"]) {
    const url = `${shared.registry.url}/v2/curl/head/${path}`;
    const [get, head] = [await request(url), await request("--head", url)];
    assert.equal(head.status, get.status);
    const names = ["content-length", "content-type", "docker-content-digest", "etag", "accept-ranges"];
    for (const name of names) assert.equal(head.headers.get(name), get.headers.get(name), `${path}: ${name}`);
  }
});
