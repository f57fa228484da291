/** Sync: copies chosen content of other registries into repositories here, one copy after the other. */
import type { Digest } from "../core/digest.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { SourceManifest } from "../ports/content_source.ts";
import type { Upstream } from "../ports/upstream.ts";
import type { Registry } from "../registry/registry.ts";
import { importContent } from "./import_content.ts";
import type { ImportReport } from "./import_report.ts";
import { UpstreamSource, type Wanted } from "./upstream_source.ts";

export interface Copy extends Wanted {
  /** How people name the source: registry and repository. */
  readonly from: string;
  /** Called when the turn of the copy comes. */
  open(): Upstream;
}

export interface Sync {
  /** Its hook is not asked: who may configure or command a copy may bring content. */
  readonly registry: Registry;
  readonly copies: readonly Copy[];
  /** Says what would come and changes nothing. */
  readonly dryRun: boolean;
  /** Ends in order: what came stays, and the next run goes on. */
  readonly signal: AbortSignal;
  /** Told of bytes of blobs of one copy that came or need not come. */
  readonly progress: (copy: Copy, done: number) => void;
}

export interface CopyReport extends ImportReport {
  readonly from: string;
  readonly to: string;
}

export interface CopyFailure {
  readonly from: string;
  readonly to: string;
  /** What kept the copy from coming to its end. */
  readonly failed: string;
}

export interface SyncReport {
  readonly dry_run: boolean;
  /** False where the run was stopped before its end. */
  readonly complete: boolean;
  readonly copies: readonly (CopyReport | CopyFailure)[];
  readonly ms: number;
}

/** @throws what is wrong here and not there, such as a full disk: it would meet the other copies too */
export async function sync(options: Sync): Promise<SyncReport> {
  const { copies, dryRun, signal } = options;
  const started = performance.now();
  const reports: (CopyReport | CopyFailure)[] = [];
  for (const copy of copies) {
    if (signal.aborted) break;
    const report = await runCopy(copy, options);
    const { from, to } = copy;
    reports.push({ from, to, ...report });
  }
  const complete = reports.length === copies.length &&
    reports.every((report) => !("complete" in report) || report.complete);
  return { dry_run: dryRun, complete, copies: reports, ms: Math.round(performance.now() - started) };
}

/** True when everything came that was wanted. */
export function isWhole({ complete, copies }: SyncReport): boolean {
  return complete && copies.every((copy) => !("failed" in copy) && copy.refused === 0);
}

async function runCopy(
  copy: Copy,
  { registry, dryRun, signal, progress }: Sync,
): Promise<ImportReport | { readonly failed: string }> {
  const upstream = copy.open();
  try {
    await using source = new UpstreamSource(copy, {
      upstream,
      dryRun,
      findHere: (digest) => findHere(registry, copy, digest),
    });
    return await importContent({
      registry,
      source,
      dryRun,
      signal,
      progress: (_, done) => progress(copy, done),
    });
  } catch (fault) {
    if (!(fault instanceof UpstreamFault)) throw fault;
    return { failed: fault.message };
  } finally {
    upstream.close();
  }
}

async function findHere(
  registry: Registry,
  { to }: Copy,
  digest: Digest,
): Promise<SourceManifest | undefined> {
  const manifest = await registry.metadata.findManifest(to, { kind: "digest", digest });
  return manifest && { bytes: manifest.bytes, mediaType: manifest.mediaType };
}
