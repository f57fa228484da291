/** A registry on real files and SQLite whose machine a test owns: its clock, its restarts, and every job of the server. */
import assert from "node:assert/strict";
import { collectJob, slowPushJob } from "../../src/cli/commands/collect_command.ts";
import { cutoffOfAge } from "../../src/cli/commands/cutoff_of_age.ts";
import type { DataWork } from "../../src/cli/commands/data_command.ts";
import { retentionJob } from "../../src/cli/commands/retention_command.ts";
import { makeRepositoryRules } from "../../src/cli/repository_rules.ts";
import { Schedule } from "../../src/cli/schedule.ts";
import type { Settings } from "../../src/config/settings.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import { CollectMemory } from "../../src/jobs/collect_memory.ts";
import type { CollectedItem } from "../../src/jobs/collect_report.ts";
import { expireUploads } from "../../src/jobs/expire_uploads.ts";
import { pruneHistory } from "../../src/jobs/prune_history.ts";
import type { Removal } from "../../src/jobs/run_retention.ts";
import type { UploadSession } from "../../src/ports/metadata_store.ts";
import { announceAfterOf, type Registry } from "../../src/registry/registry.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import { recoverUploads } from "../../src/storage/recover.ts";
import { load } from "../config/load_text.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { repo, type TempMetadata, TempStorage } from "../storage/temp_storage.ts";
import { RepositoryModel, type Times } from "./model.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const TIMES: Times = { grace: 2 * HOUR, history: 5 * HOUR, young: 3 * HOUR };
const TICK = 15 * MINUTE;

/** The second one is small enough that pushes meet its quota. */
export const REPOSITORIES: readonly RepositoryName[] = ["free", "small"].map(repo);

const CONFIG = `
[global]
tag_history = "5h"
upload_expiry = "3h"
max_removals_percent = 100
[global.retention_policy]
rules = ["image.tag == 'kept'"]
[collect]
interval = "30m"
grace = "2h"
[repository."small"]
quota_bytes = 1200
quota_manifests = 3
quota_tags = 2
`;

/** Files in memory, where there are such: nobody cuts the power here, and a disk would take longer than all the rest. */
const MEMORY = isThere("/dev/shm") ? "/dev/shm" : undefined;

/** What a run of the server needs; made anew with each start. */
interface Process {
  readonly metadata: TempMetadata;
  readonly registry: Registry;
  readonly work: DataWork;
}

export class World implements Disposable {
  readonly storage = new TempStorage(MEMORY);
  readonly models: ReadonlyMap<RepositoryName, RepositoryModel>;
  readonly sessions: UploadSession[] = [];
  /** ms that servers have run. */
  ran = 0;
  /** ms that have passed: more, where no server ran for a time. */
  #passed = 0;
  /** What the clock shows beyond that. Files get the machine's times, so it begins with those. */
  ahead = Date.now();
  farthestAhead = this.ahead;
  /** What jobs took. */
  readonly taken = { collected: 0, retention: 0 };
  readonly #settings: Settings = load(CONFIG);
  #process: Process;

  constructor() {
    const rulesOf = makeRepositoryRules(this.#settings);
    this.models = new Map(REPOSITORIES.map((name) => [name, new RepositoryModel(rulesOf(name).quota)]));
    this.#process = this.#start();
  }

  get now(): number {
    return this.#passed + this.ahead;
  }

  get registry(): Registry {
    return this.#process.registry;
  }

  get metadata(): TempMetadata {
    return this.#process.metadata;
  }

  model(repository: RepositoryName): RepositoryModel {
    return this.models.get(repository)!;
  }

  setClock(ahead: number): void {
    this.ahead = ahead;
    this.farthestAhead = Math.max(this.farthestAhead, ahead);
  }

  /** The server stops without a word, and starts again some time later. */
  restart(pauseMs: number): void {
    this.metadata[Symbol.dispose]();
    this.#passed += pauseMs;
    this.#process = this.#start();
    recoverUploads(this.storage.layout, this.metadata.database);
  }

  #start(): Process {
    const metadata = this.storage.openMetadata();
    metadata.database.exec("PRAGMA synchronous = OFF");
    const blobs = this.storage.openBlobs();
    const clock = { now: () => this.now };
    const { log: _, ...model } = makeModelRegistry();
    const log = {
      debug: (message: string, fields?: unknown) => this.#hear(message, fields),
      info: (message: string, fields?: unknown) => this.#hear(message, fields),
      warn: (message: string, fields?: unknown) => assert.fail(`${message} ${JSON.stringify(fields)}`),
      error: (message: string, fields?: unknown) => assert.fail(`${message} ${Deno.inspect(fields)}`),
    };
    const shared = { metadata: metadata.store, inventory: metadata.inventory, blobs, clock, log };
    const work: Partial<DataWork> = {
      ...shared,
      garbage: metadata.garbage,
      settings: this.#settings,
      layout: this.storage.layout,
      schedule: new Schedule(log),
    };
    const registry: Registry = {
      ...model,
      ...shared,
      hasher: nodeHasher,
      rulesOf: makeRepositoryRules(this.#settings),
      settings: { ...model.settings, announceAfter: announceAfterOf(TIMES.grace) },
    };
    return { metadata, registry, work: work as DataWork };
  }

  /** Lets time pass in which the server does what it does by itself. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= TICK) {
      this.ran += Math.min(left, TICK);
      this.#passed += Math.min(left, TICK);
      await this.runJobs();
    }
  }

  async runJobs(): Promise<void> {
    const work = await this.#withMemory();
    const { metadata, blobs, clock, log } = work;
    await collectJob(work).run();
    await slowPushJob(work).run();
    const expiryMs = this.#settings.global.uploadExpiryMs;
    const surelyBefore = cutoffOfAge(work, expiryMs);
    await expireUploads({ metadata, blobs, clock, log, expiryMs, surelyBefore });
    const tagHistorySince = cutoffOfAge(work, this.#settings.global.tagHistoryMs);
    await pruneHistory({ metadata, tagHistorySince, pullHistorySince: clock.now() });
  }

  async retain(): Promise<void> {
    await retentionJob(await this.#withMemory()).run();
  }

  /** As the server does when it has started. */
  async #withMemory(): Promise<DataWork> {
    const { work } = this.#process;
    if (work.collectMemory !== undefined) return work;
    const collectMemory = new CollectMemory({
      clock: work.clock,
      graceMs: TIMES.grace,
      elapsed: () => this.ran,
      former: await work.garbage.readRecord(),
    });
    this.#process = { ...this.#process, work: { ...work, collectMemory } };
    return this.#process.work;
  }

  /** What a job says that it removed must have been free to go. */
  #hear(message: string, fields: unknown): void {
    if (message === "collected") this.#checkCollected(fields as CollectedItem);
    if (message === "retention removed") this.#checkRetained(fields as Removal);
  }

  #checkCollected({ kind, repository, digest }: CollectedItem): void {
    this.taken.collected++;
    const model = repository && this.model(repository);
    switch (kind) {
      case "referrer":
        assert.ok(!model!.keptByCollection(this.ran, TIMES).has(digest!), `something leads to ${digest}`);
        model!.manifests.delete(digest!);
        break;
      case "hold":
        assert.ok(!model!.needs(digest!), `a manifest of ${repository} needs ${digest}`);
        assert.ok(this.ran - model!.holds.get(digest!)! >= TIMES.grace, `${digest} was announced lately`);
        model!.holds.delete(digest!);
        break;
      case "blob":
        for (const { holds } of this.models.values()) assert.ok(!holds.has(digest!), `${digest} is held`);
        break;
      case "repository":
        assert.deepEqual([model!.holds.size, model!.manifests.size, model!.tags.size], [0, 0, 0]);
        model!.named.clear();
        break;
      case "content":
      case "stray":
        assert.fail(`no ${kind} comes to be by what was done`);
    }
  }

  #checkRetained({ repository, tag, digest }: Removal): void {
    this.taken.retention++;
    const model = this.model(repository);
    if (tag !== undefined) {
      assert.notEqual(tag, "kept", "a rule keeps it");
      model.name(tag, undefined, this.ran);
      return;
    }
    assert.ok(
      !model.keptByRetention(this.ran, TIMES).has(digest as Digest),
      `something that stays leads to ${digest}`,
    );
    model.manifests.delete(digest as Digest);
  }

  [Symbol.dispose](): void {
    this.metadata[Symbol.dispose]();
    this.storage[Symbol.dispose]();
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
