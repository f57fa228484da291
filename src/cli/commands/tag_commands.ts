/** Commands about tags, as they are done in the server or without one: history, restore, delete many. */
import { parseDigest } from "../../core/digest.ts";
import { parseRepositoryName } from "../../core/repository_name.ts";
import { parseTag } from "../../core/tag.ts";
import { deleteTags } from "../../jobs/delete_tags.ts";
import { listTagHistory, restoreTag } from "../../registry/tag_history.ts";
import type { ControlAnswer, ControlArguments, Progress } from "../../server/control_socket.ts";
import type { DataWork } from "./data_command.ts";
import { makeRepositoryRules } from "../repository_rules.ts";
import { registryOf } from "./work_registry.ts";

/** Changes that the command shows. */
const MOST_CHANGES = 1000;

export async function showTagHistory(work: DataWork, args: ControlArguments): Promise<ControlAnswer> {
  const repository = parseRepositoryName(String(args.repository));
  const tag = parseTag(String(args.tag));
  const { current, changes } = await listTagHistory(registryOf(work), repository, tag, {
    limit: MOST_CHANGES,
  });
  return {
    repository,
    tag,
    current,
    changes: changes.map(({ digest, previous, previousExists, at }) => ({
      at: new Date(at).toISOString(),
      digest,
      previous,
      restorable: previous !== undefined && previousExists,
    })),
  };
}

export async function restoreTagByCommand(work: DataWork, args: ControlArguments): Promise<ControlAnswer> {
  const repository = parseRepositoryName(String(args.repository));
  const tag = parseTag(String(args.tag));
  const digest = parseDigest(String(args.to));
  const previous = await restoreTag(registryOf(work), repository, tag, digest);
  work.log.info("tag restored by command", { repository, tag, digest, previous });
  return { repository, tag, digest, previous };
}

export async function deleteTagsByCommand(
  work: DataWork,
  args: ControlArguments,
  { progress }: { progress(progress: Progress): void },
): Promise<ControlAnswer> {
  const repository = parseRepositoryName(String(args.repository));
  const rules = makeRepositoryRules(work.settings)(repository);
  const { older_than_ms: olderThanMs } = args;
  if (typeof olderThanMs !== "number" || typeof args.tags !== "string") {
    throw new TypeError("Cannot delete: a pattern of tags and an age are needed");
  }
  return {
    ...await deleteTags({
      inventory: work.inventory,
      clock: work.clock,
      log: work.log,
      repository,
      pattern: args.tags,
      olderThanMs,
      mustStay: (tag) => !rules.allowsDeletingImmutable && rules.isImmutable(tag),
      dryRun: args.dry_run === true,
      progress: (what, done, total) =>
        progress({ what, done, unit: "items", ...(total !== undefined && { total }) }),
    }),
  };
}
