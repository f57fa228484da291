/** A store with content that a test damages, and a scrub of it. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import { scrub } from "../../src/jobs/scrub.ts";
import type { Finding, ScrubReport } from "../../src/jobs/scrub_report.ts";
import type { Scrub } from "../../src/jobs/scrub_work.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type { Log } from "../../src/ports/log.ts";
import { DirectoryInspector } from "../../src/storage/files/directory_inspector.ts";
import { JsonFile } from "../../src/storage/files/json_file.ts";
import { RemovalHold } from "../../src/storage/files/removals.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { SqliteScrubStore, SqliteWithdrawals } from "../../src/storage/sqlite/sqlite_scrub_store.ts";
import { LocalWriter } from "../../src/storage/sqlite/writer_link.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { push, reference, repo, tag, type TempMetadata, TempStorage } from "../storage/temp_storage.ts";

export const [A, B] = [repo("a"), repo("b")];

export class ScrubTrial implements Disposable {
  readonly storage = new TempStorage();
  readonly metadata: TempMetadata = this.storage.openMetadata();
  readonly store = new SqliteScrubStore(openForReading(this.storage.layout.database));
  readonly files = new DirectoryInspector(this.storage.layout);
  readonly withdrawals = new SqliteWithdrawals(new LocalWriter(this.metadata.commit));
  readonly removalHold = new RemovalHold();
  readonly logged: string[] = [];

  /** Pushes a blob as an upload does; gives its digest, its bytes and its file. */
  async pushBlob(size = 1000, repository: RepositoryName = A, bytes = randomBytes(size)) {
    const digest = digestOf(bytes);
    const session = await this.metadata.start(repository, Date.now() - 1);
    const blobs = this.storage.openBlobs({ removalHold: this.removalHold });
    await blobs.createUpload(session);
    const writer = await blobs.openUpload(session, "sha256") ?? assert.fail("locked");
    await writer.append(bytes);
    await writer.digest("sha256");
    const file = await writer.promote(digest);
    const at = Date.now();
    const outcome = await this.metadata.store
      .finishUpload({ session, repository, digest, size: bytes.length, file, at });
    await writer.close();
    if (outcome.kind === "finished" && outcome.obsolete !== undefined) await blobs.remove(outcome.obsolete);
    return { digest, bytes, file };
  }

  /** Pushes a blob that the database keeps. */
  async pushSmallBlob(repository: RepositoryName = A, bytes = randomBytes(100)) {
    const digest = digestOf(bytes);
    const at = Date.now();
    const session = await this.metadata.start(repository, at - 1);
    const upload = { session, repository, digest, size: bytes.length, bytes, gathered: false, at };
    assert.equal((await this.metadata.store.finishUpload(upload)).kind, "finished");
    return { digest, bytes };
  }

  /** Pushes a manifest of blobs under a tag; gives its digest. */
  async pushManifest(name: string, layers: readonly { digest: Digest; bytes: Uint8Array }[] = [], to = A) {
    const manifest = push(to, `manifest ${name}`, {
      references: layers.map(({ digest, bytes }) => reference("layer", digest, bytes.length)),
      tags: [tag(name)],
      at: Date.now(),
    });
    assert.deepEqual(await this.metadata.store.putManifest(manifest), { kind: "stored" });
    return manifest.digest;
  }

  path(file: BlobFile): string {
    return this.storage.layout.blob(file);
  }

  /** Changes rows without the rules that hold between tables. */
  change(sql: string, ...values: (string | number | Uint8Array)[]): void {
    const { database } = this.metadata;
    database.exec("PRAGMA foreign_keys = OFF");
    database.prepare(sql).run(...values);
    database.exec("PRAGMA foreign_keys = ON");
  }

  scrub(replaced: Partial<Scrub> = {}): Promise<ScrubReport> {
    const say = (message: string): void => void this.logged.push(message);
    const log: Log = { debug() {}, info() {}, warn: say, error: say };
    return scrub({
      store: this.store,
      files: this.files,
      hasher: nodeHasher,
      memory: new JsonFile(this.storage.layout.scrubState),
      clock: { now: () => Date.now() },
      log,
      rate: 0,
      restart: false,
      mayLackBlobs: () => false,
      areRemovalsHeld: () => this.removalHold.isHeld,
      settleMs: 0,
      strayAgeMs: 0,
      signal: new AbortController().signal,
      progress() {},
      ...replaced,
    });
  }

  repair(replaced: Partial<Scrub> = {}): Promise<ScrubReport> {
    return this.scrub({ withdrawals: this.withdrawals, ...replaced });
  }

  listQuarantine(): string[] {
    try {
      return [...Deno.readDirSync(this.storage.layout.quarantine)].map(({ name }) => name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
    this.metadata[Symbol.dispose]();
    this.storage[Symbol.dispose]();
  }
}

/** The kinds and digests, or paths, of what was found, sorted. */
export function found({ findings }: ScrubReport): string[] {
  return findings.map(({ kind, digest, path }: Finding) => `${kind} ${digest ?? path}`).sort();
}
