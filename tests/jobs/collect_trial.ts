/** A store in which a test pushes, deletes and lets time pass, and a collection of its garbage. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { OCI_INDEX } from "../../src/core/media_type.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import { collect } from "../../src/jobs/collect.ts";
import type { Collect } from "../../src/jobs/collect_job.ts";
import type { CollectedItem, CollectReport } from "../../src/jobs/collect_report.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type { Garbage } from "../../src/ports/garbage.ts";
import type { ManifestPush } from "../../src/ports/metadata_store.ts";
import { DirectoryInspector } from "../../src/storage/files/directory_inspector.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { SqliteScrubStore } from "../../src/storage/sqlite/sqlite_scrub_store.ts";
import { digestOf, utf8 } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { push, reference, repo, tag, type TempMetadata, TempStorage } from "../storage/temp_storage.ts";

export const HOUR = 3_600_000;
export const GRACE = 12 * HOUR;
export const [A, B] = [repo("a"), repo("b")];

export interface TrialBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly file: BlobFile;
}

export class CollectTrial implements Disposable {
  readonly storage = new TempStorage();
  readonly metadata: TempMetadata = this.storage.openMetadata();
  readonly unknown = new SqliteScrubStore(openForReading(this.storage.layout.database));
  readonly blobs = this.storage.openBlobs();
  readonly files = new DirectoryInspector(this.storage.layout);
  /** ms since the epoch; files have the times of the machine, so it begins with that. */
  time = Date.now();
  readonly lines: { message: string; fields: unknown }[] = [];

  /** Pushes a blob as an upload does. */
  async pushBlob(text: string, repository: RepositoryName = A): Promise<TrialBlob> {
    const bytes = utf8(text);
    const digest = digestOf(bytes);
    const session = await this.metadata.start(repository, this.time - 1);
    await this.blobs.createUpload(session);
    const writer = await this.blobs.openUpload(session, "sha256") ?? assert.fail("locked");
    await writer.append(bytes);
    await writer.digest("sha256");
    const file = await writer.promote(digest);
    const outcome = await this.metadata.store
      .finishUpload({ session, repository, digest, size: bytes.length, file, at: this.time });
    await writer.close();
    if (outcome.kind === "finished" && outcome.obsolete !== undefined) {
      await this.blobs.remove(outcome.obsolete);
    }
    return { digest, size: bytes.length, file };
  }

  /** Pushes a manifest over layers; gives its digest. */
  async pushImage(
    text: string,
    layers: readonly TrialBlob[] = [],
    rest: Partial<ManifestPush> & { readonly tagged?: string } = {},
    repository: RepositoryName = A,
  ): Promise<Digest> {
    const { tagged, ...more } = rest;
    return await this.put(push(repository, text, {
      references: layers.map(({ digest, size }) => reference("layer", digest, size)),
      ...(tagged !== undefined && { tags: [tag(tagged)] }),
      at: this.time,
      ...more,
    }));
  }

  /** Pushes an index over manifests. */
  async pushIndex(
    text: string,
    children: readonly Digest[],
    rest: Partial<ManifestPush> & { readonly tagged?: string } = {},
  ): Promise<Digest> {
    return await this.pushImage(text, [], {
      mediaType: OCI_INDEX,
      references: children.map((digest) => reference("child", digest)),
      ...rest,
    });
  }

  async put(manifest: ManifestPush): Promise<Digest> {
    assert.deepEqual(await this.metadata.store.putManifest(manifest), { kind: "stored" });
    return manifest.digest;
  }

  async deleteManifest(digest: Digest, repository: RepositoryName = A): Promise<void> {
    assert.deepEqual(await this.metadata.store.deleteManifest(repository, digest, this.time), {
      kind: "deleted",
    });
  }

  /** One run, in which nothing needs to have been garbage in the runs before. */
  collect(replaced: Partial<Collect> = {}): Promise<CollectReport> {
    const { metadata, time } = this;
    const say = (message: string, fields?: unknown): void => void this.lines.push({ message, fields });
    return collect({
      garbage: metadata.garbage,
      inventory: metadata.inventory,
      metadata: metadata.store,
      blobs: this.blobs,
      log: { ...makeModelRegistry().log, debug: say, info: say, warn: say },
      limits: { usedBefore: time - GRACE, historySince: time - 30 * 24 * HOUR },
      now: time,
      strays: { files: this.files, store: this.unknown, isRipe: () => true },
      dryRun: false,
      signal: new AbortController().signal,
      progress: () => {},
      ...replaced,
    });
  }

  /**
   * A run in which something happens between a look and the removal that follows from it.
   *
   * @param name the removal
   */
  async collectWhile(
    name: keyof Garbage & `remove${string}`,
    happens: () => Promise<unknown>,
  ): Promise<CollectReport> {
    let times = 0;
    const { garbage } = this.metadata;
    const racing = new Proxy(garbage, {
      get: (target, key) => {
        const method = Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          if (key === name && times++ === 0) await happens();
          return await method.apply(target, args);
        };
      },
    });
    const report = await this.collect({ garbage: racing });
    assert.ok(times > 0, "nothing was to be removed");
    return report;
  }

  async hasManifest(digest: Digest, repository: RepositoryName = A): Promise<boolean> {
    return await this.metadata.store.findManifest(repository, { kind: "digest", digest }) !== undefined;
  }

  async hasBlob({ digest }: TrialBlob, repository: RepositoryName = A): Promise<boolean> {
    const held = await this.metadata.store.findBlob(repository, digest);
    return held !== undefined && await this.blobs.isWhole(held.file, held.size);
  }

  /** Rows of all tables but the content of tags, for a test that wants nothing left. */
  countRows(): Record<string, number> {
    const tables = ["repository", "hold", "blob", "manifest", "manifest_reference", "content"];
    return Object.fromEntries(
      tables.map((table) => [table, Number(this.metadata.rows(`SELECT count(*) AS n FROM ${table}`)[0]!.n)])
        .filter(([, count]) => count !== 0),
    );
  }

  [Symbol.dispose](): void {
    this.unknown[Symbol.dispose]();
    this.metadata[Symbol.dispose]();
    this.storage[Symbol.dispose]();
  }
}

/** The kinds and objects of what went, sorted. */
export function taken({ items }: CollectReport): string[] {
  return items.map(({ kind, repository, digest, path }: CollectedItem) =>
    [kind, repository, digest ?? path].filter((part) => part !== undefined).join(" ")
  ).sort();
}
