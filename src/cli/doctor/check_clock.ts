/** Looks whether the clock can be right: certificates, retention and garbage collection go by it. */
import { formatTime } from "../../auth/certificate_verdict.ts";
import type { Layout } from "../../storage/files/layout.ts";
import { statIfThere } from "../../storage/files/stat_if_there.ts";
import { type Finding, well, wrong } from "./finding.ts";

/** This program did not exist before. */
const EARLIEST = Date.UTC(2026, 0, 1);

/** ms that a file of another machine's clock may be ahead. */
const TOLERANCE_MS = 60_000;

const ADVICE = "Set the clock, and let NTP keep it (timedatectl set-ntp true)";

/** @param files more files that were written in the past, such as the configuration */
export async function checkClock(
  { database, lock, scrubState }: Layout,
  files: readonly string[],
  now: number,
): Promise<Finding> {
  if (now < EARLIEST) return wrong("clock", `it says ${formatTime(now)}, which is past`, ADVICE);
  for (const file of [database, `${database}-wal`, lock, scrubState, ...files]) {
    const written = (await statIfThere(file))?.mtime?.getTime();
    if (written !== undefined && written > now + TOLERANCE_MS) {
      return wrong(
        "clock",
        `it says ${formatTime(now)}, and ${file} was written at ${formatTime(written)}`,
        ADVICE,
      );
    }
  }
  return well("clock", formatTime(now));
}
