/** Figures of two registries for one piece of work, and what they come to. */
import type { Goal, Work } from "./work.ts";

export interface Comparison {
  readonly work: Work;
  /** One figure a round. */
  readonly ours: readonly number[];
  readonly peers: readonly number[];
  readonly notes: readonly string[];
}

/** The middle one; of two in the middle their mean. */
export function medianOf(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

export function ratioOf({ ours, peers }: Comparison): number {
  return medianOf(ours) / medianOf(peers);
}

export function reachesGoal(comparison: Comparison): boolean {
  const { goal } = comparison.work;
  return "timesPeer" in goal
    ? ratioOf(comparison) >= goal.timesPeer
    : medianOf(comparison.ours) <= goal.atMost;
}

/** One table for each transport, as lines of text. */
export function formatComparisons(
  title: string,
  peerName: string,
  comparisons: readonly Comparison[],
): string {
  const rows = comparisons.map((comparison) => {
    const { work, ours, peers } = comparison;
    return [
      work.name,
      work.unit,
      formatFigure(medianOf(ours)),
      formatFigure(medianOf(peers)),
      ratioOf(comparison).toFixed(2),
      formatGoal(work.goal),
      reachesGoal(comparison) ? "ok" : "below",
    ];
  });
  const table = [[title, "unit", "ours", peerName, "ratio", "goal", ""], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row.map((cell, column) =>
      column >= 2 && column <= 4 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd()
  );
  const notes = comparisons.flatMap(({ work, notes }) => notes.map((note) => `  ${work.name}: ${note}`));
  return [...lines, ...notes, ""].join("\n");
}

/** What `--json` prints of one piece of work. */
export function describeComparison(comparison: Comparison): Record<string, unknown> {
  const { work: { name, unit, goal }, ours, peers, notes } = comparison;
  return {
    name,
    unit,
    goal,
    ours,
    peers,
    ratio: ratioOf(comparison),
    reached: reachesGoal(comparison),
    notes,
  };
}

function formatGoal(goal: Goal): string {
  return "timesPeer" in goal ? `ratio >= ${goal.timesPeer}` : `<= ${goal.atMost}`;
}

function formatFigure(figure: number): string {
  return Math.round(figure).toLocaleString("en");
}
