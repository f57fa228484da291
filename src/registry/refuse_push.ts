/** What only comes from an upstream is not pushed. */
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import type { Registry } from "./registry.ts";

/**
 * Asked when the policies have allowed the operation. Deletions go on: they make room, and the next pull brings back
 * what is wanted.
 *
 * @throws {OciError} DENIED for what would bring content into a mirror by another way than from its upstream
 */
export function refusePushToMirror(registry: Registry, operation: Operation): void {
  switch (operation.action) {
    case "put-manifest":
    case "start-upload":
    case "mount-blob":
    case "get-upload":
    case "update-upload":
    case "complete-upload":
    case "cancel-upload":
    case "restore-tag": {
      const { repository } = operation;
      const { mirror } = registry.rulesOf(repository);
      if (mirror === undefined) return;
      throw new OciError("DENIED", {
        message: `Cannot push to repository "${repository}": it is a mirror of ${mirror.urls.join(", ")}, ` +
          "and all its content comes from there",
      });
    }
  }
}
