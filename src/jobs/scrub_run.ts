/** One scrub from its start to its end, over stops and kills: where it is, what it has counted and found. */
import type { Clock } from "../ports/clock.ts";
import type { JobMemory } from "../ports/job_memory.ts";
import type { Log } from "../ports/log.ts";
import {
  countOf,
  describeCounts,
  type Finding,
  type FindingCounts,
  noFindings,
  type ScrubReport,
} from "./scrub_report.ts";

/** What is looked at, in this order. */
export const SCRUB_PARTS = ["database", "blobs", "manifests", "references", "files"] as const;
export type ScrubPart = (typeof SCRUB_PARTS)[number];

/** Findings that are kept with their words; all are counted and logged. */
const MOST_FINDINGS = 10_000;

/** ms between two times that the place is written down. */
const WRITE_EVERY_MS = 1000;

/** Of another version nothing is taken over. */
const VERSION = 1;

interface Place {
  readonly startedAt: number;
  part: ScrubPart;
  /** The last thing of the part that was looked at. */
  after?: string;
  blobs: number;
  bytes: number;
  manifests: number;
  counts: Record<keyof FindingCounts, number>;
  findings: Finding[];
}

/** A scrub that came to its end. */
export interface LastScrub {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly manifests: number;
  readonly counts: FindingCounts;
}

export interface ScrubMemoryContent {
  readonly version: number;
  /** When scrubs were first thought of here: the first one comes an interval after it. */
  readonly since: number;
  readonly last?: LastScrub;
  /** Set while one is under way. */
  readonly place?: Place;
}

/** What is remembered; fresh where there is nothing, or nothing of this version. */
export async function readScrubMemory(memory: JobMemory, clock: Clock): Promise<ScrubMemoryContent> {
  const content = await memory.read() as ScrubMemoryContent | undefined;
  return content?.version === VERSION ? content : { version: VERSION, since: clock.now() };
}

export class ScrubRun {
  readonly #memory: JobMemory;
  readonly #log: Log;
  readonly #content: ScrubMemoryContent;
  readonly #place: Place;
  #writtenAt = performance.now();

  private constructor(memory: JobMemory, log: Log, content: ScrubMemoryContent, place: Place) {
    this.#memory = memory;
    this.#log = log;
    this.#content = content;
    this.#place = place;
  }

  /** Goes on where the last one was stopped, or begins. @param restart begins in any case */
  static async open(memory: JobMemory, clock: Clock, log: Log, restart: boolean): Promise<ScrubRun> {
    const { place, ...content } = await readScrubMemory(memory, clock);
    if (place !== undefined && !restart) return new ScrubRun(memory, log, content, place);
    return new ScrubRun(memory, log, content, {
      startedAt: clock.now(),
      part: "database",
      blobs: 0,
      bytes: 0,
      manifests: 0,
      counts: noFindings(),
      findings: [],
    });
  }

  get part(): ScrubPart {
    return this.#place.part;
  }

  /** The last thing of the part that was looked at. */
  get after(): string | undefined {
    return this.#place.after;
  }

  /** Bytes of blobs that were read. */
  get bytes(): number {
    return this.#place.bytes;
  }

  get manifests(): number {
    return this.#place.manifests;
  }

  get findings(): readonly Finding[] {
    return this.#place.findings;
  }

  /** Counts, keeps and logs what was found. */
  add(finding: Finding): void {
    const { kind, subject, fault, repositories, repair, advice } = finding;
    this.#place.counts[kind]++;
    if (this.#place.findings.length < MOST_FINDINGS) this.#place.findings.push(finding);
    const say = kind === "stray" ? this.#log.warn : this.#log.error;
    say.call(this.#log, `scrub found ${kind}: ${subject} ${fault}`, {
      ...(repositories.length > 0 && { repositories }),
      ...(repair !== undefined && { repair }),
      advice,
    });
  }

  /** Takes findings back that do not hold any more. */
  drop(gone: ReadonlySet<Finding>): void {
    for (const { kind } of gone) this.#place.counts[kind]--;
    this.#place.findings = this.#place.findings.filter((finding) => !gone.has(finding));
  }

  async passBlob(digest: string, bytes: number): Promise<void> {
    this.#place.blobs++;
    this.#place.bytes += bytes;
    await this.#pass(digest);
  }

  async passManifest(digest: string): Promise<void> {
    this.#place.manifests++;
    await this.#pass(digest);
  }

  /** Begins the next part; a stop before its end goes on here, or behind what was passed in it. */
  async enter(part: ScrubPart): Promise<void> {
    this.#place.part = part;
    delete this.#place.after;
    await this.#write();
  }

  /** Writes down where it is, when it is stopped; `enter()` and the passes have done so for whoever is killed. */
  async stop(clock: Clock): Promise<ScrubReport> {
    const { part, after } = this.#place;
    if (after !== undefined && (part === "blobs" || part === "manifests")) await this.#write();
    return this.#report(clock.now(), false);
  }

  /** Ends it; gives what it found. */
  async end(clock: Clock): Promise<ScrubReport> {
    const report = this.#report(clock.now(), true);
    const { complete: _, findings: __, ...last } = report;
    await this.#memory.write({ ...this.#content, last } satisfies ScrubMemoryContent);
    const { blobs, bytes, manifests, counts } = report;
    const say = countOf(counts) === 0 ? this.#log.info : this.#log.warn;
    say.call(this.#log, `scrub ended: ${describeCounts(counts)}`, { blobs, bytes, manifests });
    return report;
  }

  async #pass(digest: string): Promise<void> {
    this.#place.after = digest;
    if (performance.now() - this.#writtenAt >= WRITE_EVERY_MS) await this.#write();
  }

  async #write(): Promise<void> {
    await this.#memory.write({ ...this.#content, place: this.#place } satisfies ScrubMemoryContent);
    this.#writtenAt = performance.now();
  }

  #report(endedAt: number, complete: boolean): ScrubReport {
    const { startedAt, blobs, bytes, manifests, counts, findings } = this.#place;
    return { startedAt, endedAt, complete, blobs, bytes, manifests, counts, findings };
  }
}
