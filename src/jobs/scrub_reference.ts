/** Says in words what is loose in the database, and what SQLite says of it. */
import type { RepositoryName } from "../core/repository_name.ts";
import type { LooseEnd } from "../ports/scrub_store.ts";
import type { Finding } from "./scrub_report.ts";

/** No crash of the registry leaves such rows: the database was changed by other means, or its file is damaged. */
export function describeLooseEnd(repository: RepositoryName, end: LooseEnd): Finding {
  const found = { kind: "dangling", repositories: [repository], manifests: [] } as const;
  switch (end.kind) {
    case "reference":
      return {
        ...found,
        subject: `manifest ${end.manifest}`,
        digest: end.manifest,
        fault: `needs blob ${end.blob}, which the repository does not hold`,
        advice: "Push the blob to this repository again.",
      };
    case "tag":
      return {
        ...found,
        subject: `tag ${repository}:${end.tag}`,
        fault: `names manifest ${end.manifest}, which is not there`,
        advice: "Push the tag again, or delete it.",
      };
    case "manifest":
      return {
        ...found,
        subject: `manifest ${end.manifest}`,
        digest: end.manifest,
        fault: "has no bytes",
        advice: "Push the manifest again, or delete it.",
      };
    case "hold":
      return {
        ...found,
        subject: `blob ${end.blob}`,
        digest: end.blob,
        fault: "is held by the repository and is not there",
        advice: "Push the blob to this repository again.",
      };
  }
}

export function describeComplaint(complaint: string): Finding {
  return {
    kind: "database",
    subject: "registry.db",
    repositories: [],
    manifests: [],
    fault: `is damaged: ${complaint}`,
    advice: "Stop the server, keep a copy of the data directory, and start on the latest backup.",
  };
}
