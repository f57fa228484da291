/** Reads `[collect]`. */
import type { DailyWindow } from "../core/daily_window.ts";
import { type Checking, isSet, noteProblem } from "./checking.ts";
import type { CollectSettings } from "./settings.ts";

/** Below it a client that did nothing wrong may lose what it has just pushed. */
const SHORTEST_GRACE_MS = 1000;

/** ms between a blob and its manifest that an ordinary push may need. */
const SAFE_GRACE_MS = 10 * 60_000;

interface CollectKeys {
  readonly enabled: boolean;
  readonly interval: number;
  readonly grace: number;
  readonly window: DailyWindow | undefined;
}

export function readCollect(keys: CollectKeys, checking: Checking): CollectSettings {
  const { enabled, interval, grace, window } = keys;
  const path = ["collect", "grace"];
  if (grace < SHORTEST_GRACE_MS) noteProblem(checking, path, "expected 1s at least");
  else if (grace < SAFE_GRACE_MS && isSet(checking, path)) {
    checking.warnings.push(
      `collect.grace is ${
        grace / 1000
      } s: a push that takes longer from a blob to its manifest fails, unless an upload of ` +
        "the same repository goes on meanwhile. 10m is safe for most, 12h for all",
    );
  }
  return { enabled, intervalMs: interval, graceMs: grace, ...(window && { window }) };
}
