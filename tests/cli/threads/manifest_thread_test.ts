/** The thread that reads large manifests, as an HTTP thread uses it. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ManifestAnswer, ManifestQuestion } from "../../../src/cli/threads/manifest_thread.ts";
import { openCalls, PortCalls } from "../../../src/cli/threads/port_calls.ts";
import { LARGE_MANIFEST, RemoteManifestReader } from "../../../src/cli/threads/remote_manifest_reader.ts";
import { describeEntry } from "../../../src/core/index_entries.ts";
import type { Digest } from "../../../src/core/digest.ts";
import { OCI_MANIFEST } from "../../../src/core/media_type.ts";
import { OciError } from "../../../src/core/oci_error.ts";
import type { ManifestReader } from "../../../src/ports/manifest_reader.ts";
import { NOTHING } from "../../../src/cli/threads/no_permissions.ts";
import { LocalManifestReader } from "../../../src/registry/read_manifest.ts";
import { nodeHasher } from "../../../src/storage/node_hasher.ts";
import { digestOf } from "../../model/bytes.ts";

const LOCAL = new LocalManifestReader(nodeHasher);

/** The thread as the program starts it, with no permission at all; `asked` counts what reached it. */
function startReader() {
  const worker = new Worker(new URL("../../../src/cli/threads/manifest_thread.ts", import.meta.url), {
    type: "module",
    deno: {
      permissions: NOTHING,
    },
  });
  const port = openCalls(worker);
  const calls = new PortCalls<ManifestQuestion, ManifestAnswer>(port, "manifest");
  const asked: ManifestQuestion[] = [];
  const counted = {
    call(question: ManifestQuestion, transfer: ArrayBuffer[]) {
      asked.push(question);
      return calls.call(question, transfer);
    },
  } as unknown as typeof calls;
  const reader: ManifestReader = new RemoteManifestReader(LOCAL, () => Promise.resolve(counted));
  return {
    reader,
    asked,
    [Symbol.dispose]() {
      port.close();
      worker.terminate();
    },
  };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function fakeDigest(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, "0")}` as Digest;
}

function makeImage(layers: number): Uint8Array {
  const descriptor = (n: number) => ({
    mediaType: "application/vnd.example",
    digest: fakeDigest(n),
    size: n,
  });
  return encode({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor(0),
    layers: Array.from({ length: layers }, (_, i) => descriptor(i + 1)),
    annotations: { "org.example": "ü" },
  });
}

function makeIndex(entries: number): Uint8Array {
  return encode({
    schemaVersion: 2,
    manifests: Array.from({ length: entries }, (_, i) => ({
      mediaType: OCI_MANIFEST,
      digest: fakeDigest(entries - i),
      size: i,
      ...(i % 2 === 0 && { artifactType: "application/vnd.example.sbom" }),
      ...(i % 3 === 0 && { annotations: { n: String(i), __proto__x: "ü" } }),
    })),
  });
}

Deno.test("a large manifest is read in the thread, a small one here, both to the same end", async () => {
  using thread = startReader();
  for (const layers of [1, 3000]) {
    const bytes = makeImage(layers);
    assert.equal(bytes.length >= LARGE_MANIFEST, layers === 3000);
    const kept = bytes.slice();
    const digest = digestOf(bytes, "sha256");
    const read = await thread.reader.read({ bytes, contentType: OCI_MANIFEST, stated: digest });
    const wanted = await LOCAL.read({ bytes: kept, contentType: OCI_MANIFEST, stated: undefined });
    assert.deepEqual(read.manifest, wanted.manifest);
    assert.equal(read.digest, digest);
    assert.deepEqual(Buffer.compare(read.bytes, kept), 0);
  }
  assert.equal(thread.asked.length, 1);
});

Deno.test("bytes in the middle of a larger buffer are read as well, and what lies beside them stays", async () => {
  using thread = startReader();
  const bytes = makeImage(3000);
  const around = new Uint8Array(bytes.length + 20).fill(7);
  around.set(bytes, 10);
  const read = await thread.reader.read({
    bytes: around.subarray(10, 10 + bytes.length),
    contentType: OCI_MANIFEST,
    stated: undefined,
  });
  assert.equal(read.digest, digestOf(bytes, "sha256"));
  assert.equal(around.length, bytes.length + 20);
  assert.equal(around[0], 7);
});

Deno.test("what is wrong with a large manifest comes back as the client's fault, with its words", async () => {
  using thread = startReader();
  const bytes = makeImage(3000);
  const broken = bytes.slice();
  broken[broken.length - 1] = 0x20;
  const refuse = async (sent: Uint8Array, stated: Digest | undefined) => {
    const [remote, local] = await Promise.allSettled([
      thread.reader.read({ bytes: sent.slice(), contentType: OCI_MANIFEST, stated }),
      LOCAL.read({ bytes: sent, contentType: OCI_MANIFEST, stated }),
    ]);
    assert.ok(remote.status === "rejected" && local.status === "rejected");
    assert.ok(remote.reason instanceof OciError);
    const { code, status, message, detail, headers } = local.reason as OciError;
    const { reason } = remote;
    assert.deepEqual(
      [reason.code, reason.status, reason.message, reason.detail, reason.headers],
      [code, status, message, detail, headers],
    );
    return code;
  };
  assert.equal(await refuse(broken, undefined), "MANIFEST_INVALID");
  assert.equal(await refuse(bytes, fakeDigest(1)), "DIGEST_INVALID");
});

Deno.test("entries of an index come sorted, with their annotations at hand, and are asked for once", async () => {
  using thread = startReader();
  for (const entries of [5, 4000]) {
    const index = makeIndex(entries);
    const digest = digestOf(index, "sha256");
    const [first, second] = [
      await thread.reader.readEntries(digest, index),
      await thread.reader.readEntries(digest, index),
    ];
    assert.equal(first, second);
    const written = JSON.parse(new TextDecoder().decode(index)).manifests as { digest: string }[];
    assert.deepEqual(first.map((entry) => describeEntry(index, entry)), written.toReversed());
  }
  assert.equal(thread.asked.length, 1);
});

Deno.test("entries are remembered up to a bound: the indexes read longest ago are read again", async () => {
  using thread = startReader();
  const indexes = Array.from({ length: 9 }, (_, i) => {
    const bytes = makeIndex(10_000 + i);
    return { bytes, digest: digestOf(bytes, "sha256") };
  });
  for (const { digest, bytes } of indexes) await thread.reader.readEntries(digest, bytes);
  assert.equal(thread.asked.length, 9);
  const last = indexes.at(-1)!;
  await thread.reader.readEntries(last.digest, last.bytes);
  assert.equal(thread.asked.length, 9, "the newest is remembered");
  await thread.reader.readEntries(indexes[0]!.digest, indexes[0]!.bytes);
  assert.equal(thread.asked.length, 10, "the oldest is not");
});
