/** What must not hold an HTTP thread up: requests, and the longest standstill of its event loop while they are served. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import type { Digest } from "../../src/core/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/core/media_type.ts";
import { fallbackTagOf } from "../../src/registry/referrers.ts";
import { runCollectCommand } from "../../src/cli/commands/collect_command.ts";
import type { DataWork } from "../../src/cli/commands/data_command.ts";
import { runRetentionCommand } from "../../src/cli/commands/retention_command.ts";
import { runScrubCommand } from "../../src/cli/commands/scrub_command.ts";
import type { CollectReport } from "../../src/jobs/collect_report.ts";
import type { RetentionReport } from "../../src/jobs/run_retention.ts";
import type { ControlCaller } from "../../src/server/control_socket.ts";
import { addGarbage, type BigStoreSize, nameOfRepository, TAGGED, writeBigStore } from "./big_store.ts";
import { percentile } from "./percentile.ts";
import { ProbedServer } from "./probed_server.ts";

/** ms. */
const LONGEST_STANDSTILL = 50;

/** What a request does to the loop is the same each time, what the machine does is not: the best of some tries counts. */
const TRIES = 4;

/** More of them than a catalog may judge in one go. */
const MANY_REPOSITORIES: BigStoreSize = { blobs: 30_000, repositories: 30_000, tags: 10 };

const RETENTION = `
[global]
max_removals_percent = 100
[global.retention_policy]
rules = ["image.tag == 'latest'", "top_pushed(50000)"]
`;

const RULES = `
[global.access_policy]
default = "allow"
rules = [
  "identity.certificate.organizations.exists(o, o == 'banned')",
  "request.namespace.matches('^(prod|stage)-[0-9]{2}/(web|api|app)-[0-9a-z]+$')",
  "request.namespace.matches('^team-[0-9]{2}/(web|api)-[0-9a-z]+$')",
  "request.action == 'list-tags' && request.namespace.matches('^team-[0-9]{2}/app-[0-9]+$')",
]
`;

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

function fakeDigest(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, "0")}` as Digest;
}

/** An index of some 3.9 MiB that names `count` manifests from `first` on. */
function makeIndex(first: number, count = 27_000): Uint8Array<ArrayBuffer> {
  return encode({
    schemaVersion: 2,
    manifests: Array.from(
      { length: count },
      (_, i) => ({ mediaType: OCI_MANIFEST, digest: fakeDigest(first + i), size: i }),
    ),
  });
}

function makeDepthBomb(): Uint8Array<ArrayBuffer> {
  const deep = "[".repeat(60) + "]".repeat(60);
  return encode(`{"schemaVersion":2,"manifests":[],"x":[${Array(33_000).fill(deep).join(",")}]}`);
}

class Trial implements AsyncDisposable {
  readonly figures: string[] = [];
  readonly #server: ProbedServer;
  readonly #rootDir: string;

  private constructor(server: ProbedServer, rootDir: string) {
    this.#server = server;
    this.#rootDir = rootDir;
  }

  /** @param prepare more of what is done to the data directory before the server starts */
  static async start(
    size: BigStoreSize,
    config = "",
    prepare: (rootDir: string) => void = () => {},
  ): Promise<Trial> {
    const rootDir = await Deno.makeTempDir({ prefix: "registry-" });
    writeBigStore(rootDir, size);
    prepare(rootDir);
    return new Trial(await ProbedServer.start(rootDir, config), rootDir);
  }

  /** Sends a request and checks its status; gives the body. */
  async send(expected: number, method: string, path: string, init: RequestInit = {}): Promise<string> {
    const answer = await fetch(`${this.#server.url}${path}`, { ...init, method });
    const text = await answer.text();
    assert.equal(answer.status, expected, `${method} ${path}: ${text.slice(0, 500)}`);
    return text;
  }

  async putIndex(reference: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.send(201, "PUT", `/v2/app/manifests/${reference}`, {
      body,
      headers: { "content-type": OCI_INDEX },
    });
  }

  /** Does something some times; the shortest of the longest standstills must be short. */
  async assertBriefFor(what: string, act: () => Promise<unknown>): Promise<void> {
    const tries: string[] = [];
    let best = Infinity;
    for (let i = 0; i < TRIES && best >= LONGEST_STANDSTILL / 2; i++) {
      await this.#server.worstLag();
      await act();
      const { http, idle } = await this.#server.worstLag();
      tries.push(`${http.toFixed(0)} (${idle.toFixed(0)} in a thread that does nothing)`);
      best = Math.min(best, http - idle);
    }
    const figures = `${what} held the loop up for ${tries.join(", ")} ms`;
    assert.ok(best < LONGEST_STANDSTILL, figures);
    this.figures.push(figures);
  }

  /** Pulls and pushes without a break while jobs run; neither the loop nor the writer may make them wait. */
  async watchJobs(run: (work: DataWork, caller: ControlCaller) => Promise<void>): Promise<string> {
    let ended = false;
    await this.putIndex("first", makeIndex(0, 1));
    await this.#server.worstLag();
    const started = performance.now();
    const caller = { progress() {}, signal: new AbortController().signal };
    const jobs = run(this.#server.openWork(), caller).finally(() => ended = true);
    const [lags, pushes]: [number[], number[]] = [[], []];
    for (let n = 1; !ended; n++) {
      const begun = performance.now();
      await this.putIndex("moving", makeIndex(n, 1));
      pushes.push(performance.now() - begun);
      await this.send(200, "GET", `/v2/${TAGGED}/manifests/v0000001`);
      const { http, idle } = await this.#server.worstLag();
      lags.push(http - idle);
    }
    await jobs;
    const took = (performance.now() - started) / 1000;
    const worst = lags.sort((a, b) => b - a).slice(0, 3).map((ms) => ms.toFixed(0));
    const figures =
      `jobs of ${took.toFixed(1)} s held the loop up for ${worst.join(", ")} ms at most, beside ` +
      `${pushes.length} pushes of ${percentile(pushes, 50).toFixed(0)} ms, 99 of 100 within ` +
      `${percentile(pushes, 99).toFixed(0)} ms, the slowest ${Math.max(...pushes).toFixed(0)} ms`;
    // In so long a time the machine itself may stand still, once or twice or in one look of a hundred.
    assert.ok((lags[2 + Math.floor(lags.length / 100)] ?? 0) < LONGEST_STANDSTILL, figures);
    return figures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await Deno.remove(this.#rootDir, { recursive: true });
  }
}

/** Runs with a store of the given size; gives figures as text. @throws {AssertionError} for a standstill that is too long */
type Scenario = (size: BigStoreSize) => Promise<string>;

/** By what they hold. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "pages of large listings and manifests of a large registry are answered in passing": async (size) => {
    await using trial = await Trial.start(size);
    const paths = [
      `/v2/${TAGGED}/tags/list?n=1000`,
      `/v2/${TAGGED}/tags/list?n=1000&last=v0015000`,
      `/v2/${TAGGED}/tags/list`,
      "/v2/_catalog?n=1000",
      "/v2/_catalog",
      `/v2/${nameOfRepository(17)}/manifests/latest`,
    ];
    for (const path of paths) await trial.assertBriefFor(path, () => trial.send(200, "GET", path));
    return trial.figures.join("\n");
  },

  "a catalog of which the caller may see nothing lets others pass while every name is judged": async () => {
    await using trial = await Trial.start(MANY_REPOSITORIES, RULES);
    await trial.assertBriefFor("the catalog", async () => {
      const { repositories } = JSON.parse(await trial.send(200, "GET", "/v2/_catalog"));
      assert.deepEqual(repositories, [TAGGED]);
    });
    return trial.figures.join("\n");
  },

  "manifests of 4 MiB are pushed, and found as referrers, without holding anybody up": async (size) => {
    await using trial = await Trial.start(size);
    let first = 0;
    // The first one meets code that was never run.
    await trial.assertBriefFor("a large index", () => trial.putIndex("large", makeIndex(first += 100_000)));
    const bomb = makeDepthBomb();
    await trial.assertBriefFor("100 deep manifests at once", async () => {
      await Promise.all(Array.from({ length: 100 }, () => trial.putIndex("deep", bomb)));
    });
    const subject = fakeDigest(7);
    await trial.assertBriefFor("a fallback tag", async () => {
      await trial.putIndex(fallbackTagOf(subject), makeIndex(first += 100_000));
      await trial.send(200, "GET", `/v2/app/referrers/${subject}`);
      await trial.send(200, "GET", `/v2/app/referrers/${subject}`);
    });
    return trial.figures.join("\n");
  },

  "referrers with ten thousand annotations each come in pages that hold nobody up": async (size) => {
    await using trial = await Trial.start(size);
    const subject = { mediaType: OCI_MANIFEST, digest: fakeDigest(9), size: 1 };
    for (let n = 0; n < 12; n++) {
      const annotations = Object.fromEntries(Array.from({ length: 9990 }, (_, i) => [`${n}.${i}`, ""]));
      await trial.putIndex(`r${n}`, encode({ schemaVersion: 2, manifests: [], subject, annotations }));
    }
    await trial.assertBriefFor(
      "a page of referrers",
      () => trial.send(200, "GET", `/v2/app/referrers/${subject.digest}`),
    );
    return trial.figures.join("\n");
  },

  "a collection, retention and a scrub at once hold up neither HTTP threads nor pushes": async (size) => {
    await using trial = await Trial.start(size, RETENTION, (rootDir) => addGarbage(rootDir, size.blobs / 20));
    return await trial.watchJobs(async (work, caller) => {
      const [collected, retained] = await Promise.all([
        runCollectCommand(work, { grace_ms: 60_000 }, caller),
        runRetentionCommand(work, {}, caller),
        runScrubCommand(work, { rate: 0 }, caller),
      ]);
      assert.equal((collected as unknown as CollectReport).counts.blob, size.blobs / 20);
      assert.ok((retained as unknown as RetentionReport).judged.tags >= size.tags + size.repositories);
    });
  },

  "a blob in a hundred ranges is sent between other answers": async (size) => {
    await using trial = await Trial.start(size);
    const bytes = new Uint8Array(3_000_000);
    const digest = `sha256:${hash("sha256", bytes)}`;
    await trial.send(201, "POST", `/v2/app/blobs/uploads/?digest=${digest}`, { body: bytes });
    const ranges = Array.from({ length: 100 }, (_, i) => `${i * 20_000}-${i * 20_000 + 9999}`);
    await trial.assertBriefFor("the ranges", async () => {
      await trial.send(206, "GET", `/v2/app/blobs/${digest}`, {
        headers: { range: `bytes=${ranges.join(",")}` },
      });
    });
    return trial.figures.join("\n");
  },
};
