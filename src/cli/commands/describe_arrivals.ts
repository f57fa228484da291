/** What an import brought, in words; as every command tells it that brings content from elsewhere. */
import { formatCount } from "../../core/format_count.ts";
import { formatSize } from "../../core/format_size.ts";
import type { ImportReport } from "../../jobs/import_report.ts";

type Arrivals = Pick<ImportReport, "tags" | "manifests" | "blobs" | "bytes" | "refused" | "refusals">;

/** `came: 1 tag, 2 manifests, 3 blobs (12 KiB)`. */
export function describeArrivals({ tags, manifests, blobs, bytes }: Arrivals, dryRun: boolean): string {
  if (tags.came + manifests.came + blobs.came + blobs.shared === 0) return "everything is here already";
  return `${dryRun ? "would come" : "came"}: ${formatCount(tags.came, "tag")}, ` +
    `${formatCount(manifests.came, "manifest")}, ${formatCount(blobs.came, "blob")} (${formatSize(bytes)})`;
}

/** A line for each piece that could not come, and why. */
export function describeRefusals({ refused, refusals }: Arrivals): string[] {
  const more = refused > refusals.length ? [`... and ${refused - refusals.length} more`] : [];
  return [...refusals.map(({ subject, why }) => `${subject}: ${why}`), ...more];
}
