/** Import: brings all that a source has by the registry's own verbs, so that every promise of a push holds for it. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { Registry } from "../registry/registry.ts";
import type { ContentSource } from "../ports/content_source.ts";
import { ManifestImport } from "./import_manifest.ts";
import { type ImportReport, ImportTally } from "./import_report.ts";
import { type ImportWork, reasonOf } from "./import_work.ts";

export interface Import {
  /** Its hook is not asked: who may run a command may bring content. */
  readonly registry: Registry;
  /** Stays open. */
  readonly source: ContentSource;
  /** Says what would come and changes nothing. */
  readonly dryRun: boolean;
  /** Ends the import in order: what came stays, and the next import goes on. */
  readonly signal: AbortSignal;
  /** Told of bytes of blobs that came or need not come; `total` is undefined where the source cannot tell. */
  readonly progress: (repository: RepositoryName, done: number, total: number | undefined) => void;
}

/**
 * Brings every repository of a source with its manifests, tags and blobs, all with the digests that they have. A manifest is
 * visible when all below it is there; what is here already stays as it is. What cannot come is told in the report.
 *
 * @throws what would keep everything else from coming too, such as a full disk
 */
export async function importContent(options: Import): Promise<ImportReport> {
  const { source, signal, dryRun, progress } = options;
  const started = performance.now();
  const tally = new ImportTally();
  const end = (complete: boolean) =>
    tally.end({ dry_run: dryRun, complete, ms: Math.round(performance.now() - started) });
  let done = 0;
  let current: RepositoryName | undefined;
  try {
    const total = await source.countBytes?.();
    const passed = (bytes: number): void => {
      done += bytes;
      if (current !== undefined) progress(current, done, total);
    };
    const work: ImportWork = { ...options, shown: new Set(), passed };
    const counted = new Set<Digest>();
    const repositories = source.listRepositories((refusal) => tally.refuse(refusal))[Symbol.asyncIterator]();
    let fault: { readonly error: unknown } | undefined;
    const worker = async (): Promise<void> => {
      while (fault === undefined) {
        const { value: repository, done: isOver } = await repositories.next();
        if (isOver) return;
        current = repository;
        passed(0);
        await importRepository(work, tally, repository, counted);
        tally.repositories++;
      }
    };
    // What is under way comes to its end before anybody is told.
    await Promise.all(
      Array.from(
        { length: source.repositoriesAtOnce ?? 1 },
        () => worker().catch((error) => void (fault ??= { error })),
      ),
    );
    if (fault !== undefined) throw (fault as { error: unknown }).error;
    return end(true);
  } catch (error) {
    if (signal.aborted) return end(false);
    throw error;
  }
}

async function importRepository(
  work: ImportWork,
  tally: ImportTally,
  repository: RepositoryName,
  counted: Set<Digest>,
): Promise<void> {
  const { source } = work;
  const refuse = tally.refuse.bind(tally);
  const manifests = new ManifestImport(work, tally, repository, counted);
  try {
    const tags = new Map<Digest, Tag[]>();
    for await (const { tag, digest } of source.listTags(repository, refuse)) {
      const names = tags.get(digest);
      if (names === undefined) tags.set(digest, [tag]);
      else names.push(tag);
    }
    for (const [digest, names] of tags) await manifests.bring(digest, names);
    for await (const digest of source.listManifests(repository, refuse)) {
      if (!tags.has(digest)) await manifests.bring(digest, []);
    }
  } catch (error) {
    const why = reasonOf(error);
    if (why === undefined) throw error;
    tally.refuse({ subject: `repository "${repository}"`, why });
  }
}
