/**
 * Writes the database of a large registry directly, in seconds: many repositories with one image each, and one repository
 * with many tags. Manifests are real ones; the files of the blobs are left out.
 *
 * As a program: `deno run -A tests/load/big_store.ts DIR [BLOBS REPOSITORIES TAGS]`, by default 1,000,000 10,000 100,000.
 */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Digest } from "../../src/core/digest.ts";
import { OCI_MANIFEST } from "../../src/core/media_type.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf, Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { openForWriting } from "../../src/storage/sqlite/open_database.ts";

export interface BigStoreSize {
  /** Blob rows, a multiple of `repositories`: each of them holds as many. */
  readonly blobs: number;
  readonly repositories: number;
  /** Tags of the repository {@linkcode TAGGED}. */
  readonly tags: number;
}

/** The sizes that the registry promises to serve at full speed. */
export const FULL_SIZE: BigStoreSize = { blobs: 1_000_000, repositories: 10_000, tags: 100_000 };

/** The repository with many tags; it has the id 1. */
export const TAGGED = "big/tagged";

const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Bytes that each blob claims to have. */
const BLOB_SIZE = 1000;

/** Name of the repository with one image, from 0 on; in byte order as in number order. Its tag is "latest". */
export function nameOfRepository(n: number): string {
  return `team-${String(n % 100).padStart(2, "0")}/app-${String(n).padStart(6, "0")}`;
}

export function nameOfTag(n: number): string {
  return `v${String(n).padStart(7, "0")}`;
}

/** Digest of the n-th blob, from 0 on. They are spread as real ones are. */
export function digestOfBlob(n: number): Digest {
  return `sha256:${hash("sha256", `blob ${n}`)}` as Digest;
}

/** Makes the data directory with its database. Nothing of it is durable before the process that runs this has ended. */
export function writeBigStore(rootDir: string, { blobs, repositories, tags }: BigStoreSize): void {
  const layout = new Layout(rootDir);
  makeFolders(layout);
  const database = openForWriting(layout.database);
  // Durable or not, it is thrown away after the test.
  database.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA foreign_keys = OFF; BEGIN");
  const now = Date.now();
  const each = blobs / repositories;
  const insert = prepareInserts(database);
  insert.repository.run(1, TAGGED, now);
  // In the order of the tables' keys, which is three times as fast.
  const numbers = Array.from({ length: blobs }, (_, n) => ({ n, digest: digestOfBlob(n) }))
    .sort((a, b) => a.digest < b.digest ? -1 : 1);
  const session = makeUploadSessionId();
  for (const { digest } of numbers) insert.blob.run(digest, BLOB_SIZE, blobFileOf(digest, session), now);
  for (let n = 0; n < repositories; n++) {
    const id = n + 2;
    insert.repository.run(id, nameOfRepository(n), now);
    const held = Array.from({ length: each }, (_, i) => digestOfBlob(n * each + i));
    for (const digest of held.toSorted()) insert.hold.run(id, digest, now);
    insert.image(id, held, now, ["latest"]);
  }
  // As many manifests as a tenth of the tags: most are moved or copied.
  const images = Math.max(1, Math.ceil(tags / 10));
  const config = digestOfBlob(0);
  insert.hold.run(1, config, now);
  for (let n = 0; n < images; n++) {
    const names = Array.from(
      { length: Math.min(10, tags - n * 10) },
      (_, i) => nameOfTag(n * 10 + i),
    );
    insert.image(1, [config], now, names, n);
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

/**
 * Puts as many blobs into a large registry that nothing needs, half of them held by the repository {@linkcode TAGGED}. To be
 * called while nobody else writes.
 */
export function addGarbage(rootDir: string, count: number): void {
  const database = openForWriting(new Layout(rootDir).database);
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  const insert = prepareInserts(database);
  const session = makeUploadSessionId();
  for (let n = 0; n < count; n++) {
    const digest = `sha256:${hash("sha256", `garbage ${n}`)}` as Digest;
    insert.blob.run(digest, BLOB_SIZE, blobFileOf(digest, session), 1);
    if (n % 2 === 0) insert.hold.run(1, digest, 1);
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

function prepareInserts(database: DatabaseSync) {
  const content = database.prepare("INSERT INTO content (digest, bytes) VALUES (?, ?)");
  const manifest = database.prepare(`
    INSERT INTO manifest (repository, digest, media_type, size, artifact_type, pushed_at)
    VALUES (?, ?, ?, ?, ?, ?)`);
  const reference = database.prepare(
    "INSERT INTO manifest_reference (repository, manifest, kind, digest) VALUES (?, ?, ?, ?)",
  );
  const tag = database.prepare("INSERT INTO tag (repository, name, digest, pushed_at) VALUES (?, ?, ?, ?)");
  const history = database.prepare(
    "INSERT INTO tag_history (repository, tag, digest, previous, at) VALUES (?, ?, ?, NULL, ?)",
  );
  return {
    repository: database.prepare("INSERT INTO repository (id, name, created_at) VALUES (?, ?, ?)"),
    blob: database.prepare("INSERT INTO blob (digest, size, file, created_at) VALUES (?, ?, ?, ?)"),
    hold: database.prepare("INSERT INTO hold (repository, digest, announced_at) VALUES (?, ?, ?)"),
    /** An image whose config is the first of the blobs and whose layers are the others. */
    image(repository: number, blobs: readonly Digest[], at: number, tags: readonly string[], n = 0): void {
      const describe = (mediaType: string, digest: Digest) => ({ mediaType, digest, size: BLOB_SIZE });
      const [config, ...layers] = blobs;
      const bytes = new TextEncoder().encode(JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: describe(CONFIG_TYPE, config!),
        layers: layers.map((digest) => describe(LAYER_TYPE, digest)),
        annotations: { "org.example.number": `${repository}.${n}` },
      }));
      const digest = `sha256:${hash("sha256", bytes)}`;
      content.run(digest, bytes);
      manifest.run(repository, digest, OCI_MANIFEST, bytes.length, CONFIG_TYPE, at);
      reference.run(repository, digest, "config", config!);
      for (const layer of layers) reference.run(repository, digest, "layer", layer);
      for (const name of tags) {
        tag.run(repository, name, digest, at);
        history.run(repository, name, digest, at);
      }
    },
  };
}

if (import.meta.main) {
  const [rootDir, blobs, repositories, tags] = Deno.args;
  if (rootDir === undefined) {
    console.error("Usage: deno run -A tests/load/big_store.ts DIR [BLOBS REPOSITORIES TAGS]");
    Deno.exit(2);
  }
  const started = performance.now();
  writeBigStore(rootDir, {
    blobs: Number(blobs ?? FULL_SIZE.blobs),
    repositories: Number(repositories ?? FULL_SIZE.repositories),
    tags: Number(tags ?? FULL_SIZE.tags),
  });
  const { size } = Deno.statSync(new Layout(rootDir).database);
  const seconds = (performance.now() - started) / 1000;
  console.log(`${rootDir}: ${Math.round(size / 1e6)} MB of database in ${seconds.toFixed(1)} s`);
}
