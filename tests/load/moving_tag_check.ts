/** Lets many clients move one tag while others read it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { OCI_INDEX } from "../../src/core/media_type.ts";

const READERS = 8;

/** @throws {AssertionError} for a read that is torn, older than what its reader has seen acknowledged, or of no push */
export async function checkMovingTag(writers: number, seconds: number): Promise<string> {
  await using registry = await startRegistry({ tls: false });
  using api = new RegistryApi(registry);
  /** Digest to when its push began and was acknowledged; Infinity while it is not. */
  const pushes = new Map<string, { readonly began: number; acknowledged: number }>();
  const path = "/v2/app/manifests/moving";
  let stop = false;
  let reads = 0;
  const move = async (writer: number): Promise<void> => {
    for (let n = 0; !stop; n++) {
      const body = new TextEncoder().encode(
        JSON.stringify({ schemaVersion: 2, manifests: [], annotations: { by: `${writer}.${n}` } }),
      );
      const push = { began: performance.now(), acknowledged: Infinity };
      pushes.set(`sha256:${createHash("sha256").update(body).digest("hex")}`, push);
      const answer = await api.expect(201, "PUT", path, { body, headers: { "content-type": OCI_INDEX } });
      await answer.body?.cancel();
      push.acknowledged = performance.now();
    }
  };
  const read = async (): Promise<void> => {
    while (!stop) {
      const asked = performance.now();
      const answer = await api.expect(200, "GET", path);
      const digest = answer.headers.get("docker-content-digest")!;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      assert.equal(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, digest, "a torn read");
      const seen = pushes.get(digest);
      assert.ok(seen !== undefined, "a manifest that nobody pushed");
      // One that began after the seen one was acknowledged, and was acknowledged before this read, has taken its place.
      const newer = [...pushes.values()].find((push) =>
        push.began > seen.acknowledged && push.acknowledged < asked
      );
      assert.equal(newer, undefined, "an older manifest than was acknowledged");
      reads++;
    }
  };
  const clients = Array.from({ length: writers }, (_, writer) => move(writer));
  // The tag has to be there before somebody reads it.
  while (await api.findDigest("app", "moving") === undefined);
  clients.push(...Array.from({ length: READERS }, read));
  setTimeout(() => stop = true, seconds * 1000);
  await Promise.all(clients);
  const last = await api.findDigest("app", "moving");
  await registry.stop();
  const moves = checkHistory(new Layout(registry.rootDir).database, last!);
  assert.equal(moves, pushes.size);
  return `${writers} clients moved one tag ${moves} times, ${READERS} read it ${reads} times: every read right`;
}

/** Every move says what was there before, which the move before it has put there. Gives their number. */
function checkHistory(path: string, last: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare("SELECT digest, previous FROM tag_history WHERE tag = 'moving' ORDER BY id")
      .all() as { digest: string; previous: string | null }[];
    for (const [i, row] of rows.entries()) assert.equal(row.previous, rows[i - 1]?.digest ?? null);
    assert.equal(rows.at(-1)?.digest, last);
    return rows.length;
  } finally {
    database.close();
  }
}
