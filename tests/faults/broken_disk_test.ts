/** A server whose disk breaks refuses what it cannot keep, says so, and goes on when the disk is back. */
import assert from "node:assert/strict";
import { until } from "../harness/until.ts";
import { randomBytes } from "../model/bytes.ts";
import { type Content, makeContent, makeJsonContent } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { FaultInjector } from "./fault_injector.ts";

const BLOB = "application/octet-stream";
const INDEX = "application/vnd.oci.image.index.v1+json";

/** What the disk does, and what the system says of it. */
const DISKS = {
  "whose syncs fail": { faults: ["fsync,fdatasync:error=EIO"], reason: /os error 5|I\/O error/ },
  "that takes no writes": {
    faults: ["pwrite64,rename,fdatasync,fsync:error=EIO"],
    reason: /os error 5|I\/O error/,
  },
  "that became read-only": {
    faults: ["pwrite64,rename,unlink,fdatasync,fsync:error=EROFS"],
    reason: /Read-only|readonly|I\/O error/,
  },
};

for (const [disk, { faults, reason }] of Object.entries(DISKS)) {
  Deno.test(`a disk ${disk}: writes are refused in words, readyz is red, reads go on, and it heals by itself`, async () => {
    await using registry = await startRegistry({ tls: false, server: "threads = 1" });
    using api = new RegistryApi(registry);
    const kept = makeContent(BLOB, randomBytes(200_000));
    await api.pushBlob("app", kept);
    await api.pushManifest("app", index("kept"), "kept");
    assert.equal(await statusOf(api, "GET", "/readyz"), 200);
    {
      await using _ = await FaultInjector.start(registry.process.pid, faults);
      await refused(api, "POST", `/v2/app/blobs/uploads/?digest=${late.digest}`, late);
      await refused(api, "PUT", "/v2/app/manifests/late", index("late"));
      await refused(api, "DELETE", "/v2/app/manifests/kept");
      await waitForStatus(api, "/readyz", 503);
      assert.deepEqual(await (await api.request("GET", "/readyz")).json(), { status: "not_ready" });
      assert.equal(await statusOf(api, "GET", "/healthz"), 200);
      await assertKept(api, kept);
    }
    assert.equal(await statusOf(api, "HEAD", `/v2/app/blobs/${late.digest}`), 404);
    assert.equal(await statusOf(api, "HEAD", "/v2/app/manifests/late"), 404);
    await waitForStatus(api, "/readyz", 200);
    await api.pushBlob("app", late);
    await api.pushManifest("app", index("late"), "late");
    await assertKept(api, kept);
    assert.equal(await statusOf(api, "DELETE", "/v2/app/manifests/kept"), 202);
    await logged(registry, "not ready: cannot read and write", reason);
    await logged(registry, "ready again");
  });
}

Deno.test("a disk that cannot be read: what the database does not have at hand is refused in words, until it can", async () => {
  const rootDir = await Deno.makeTempDir();
  try {
    {
      await using registry = await startRegistry({ tls: false, rootDir });
      using api = new RegistryApi(registry);
      await api.pushManifest("app", index("kept"), "kept");
    }
    await using registry = await startRegistry({ tls: false, rootDir });
    using api = new RegistryApi(registry);
    {
      await using _ = await FaultInjector.start(registry.process.pid, ["pread64:error=EIO"]);
      await refused(api, "GET", "/v2/app/manifests/kept");
      assert.equal(await statusOf(api, "GET", "/readyz"), 503);
    }
    assert.ok(await api.findDigest("app", "kept") !== undefined);
    await waitForStatus(api, "/readyz", 200);
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});

const late = makeContent(BLOB, randomBytes(100_000));

function index(name: string): Content {
  return makeJsonContent(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { name } });
}

/** 503 with a code and a sentence that tells nothing of the inside. */
async function refused(api: RegistryApi, method: string, path: string, content?: Content): Promise<void> {
  const response = await api.request(method, path, {
    ...(content && { body: new Uint8Array(content.bytes), headers: { "content-type": content.mediaType } }),
  });
  const text = await response.text();
  assert.equal(response.status, 503, `${method} ${path}: ${text}`);
  const { errors: [error] } = JSON.parse(text);
  assert.equal(error.code, "STORAGE_UNAVAILABLE");
  assert.match(error.message, /cannot use its disk/);
  assert.deepEqual(Object.keys(error.detail), ["request_id"]);
}

async function assertKept(api: RegistryApi, kept: Content): Promise<void> {
  const response = await api.expect(200, "GET", `/v2/app/blobs/${kept.digest}`);
  assert.deepEqual(await response.bytes(), kept.bytes);
  assert.ok(await api.findDigest("app", "kept") !== undefined);
}

async function waitForStatus(api: RegistryApi, path: string, status: number): Promise<void> {
  await until(
    async () => await statusOf(api, "GET", path) === status,
    () => `${path} does not answer ${status}`,
  );
}

async function statusOf(api: RegistryApi, method: string, path: string): Promise<number> {
  const response = await api.request(method, path);
  await response.body?.cancel();
  return response.status;
}

async function logged({ process }: RunningRegistry, message: string, error = /^/): Promise<void> {
  await process.waitForLine(`"${message}" in the log`, (line) => {
    if (!line.includes(`"${message}"`)) return undefined;
    return error.test(`${JSON.parse(line).error}`) ? true : undefined;
  });
}
