/** The dashboard in docs/ shows metrics that exist, by labels that they have, and leaves none out. */
import assert from "node:assert/strict";
import {
  exposedName,
  METRIC_FAMILIES,
  metricFamily,
  type MetricName,
} from "../../src/core/metric_families.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const FILE = new URL("../../docs/grafana-dashboard.json", import.meta.url);
const DASHBOARD: { readonly uid: string; readonly panels: readonly Panel[] } = JSON.parse(
  await Deno.readTextFile(FILE),
);

/** Of Prometheus, and what it makes of a label `job` of ours. */
const OTHER_LABELS = ["job", "instance", "le"];

const NAMES = new Map(
  (Object.keys(METRIC_FAMILIES) as MetricName[]).map((name) => [exposedName(name), metricFamily(name)]),
);

/** What an expression asks for, by family. */
function familiesIn(expr: string): string[] {
  return [...expr.matchAll(/\b(?:simple_registry|process)_[a-z_]+/g)].map(([name]) => {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    return NAMES.get(base)?.type === "histogram" ? base : name;
  });
}

const TARGETS = DASHBOARD.panels.flatMap((panel) =>
  (panel.targets ?? []).map((each) => ({ panel, ...each }))
);

Deno.test("the dashboard shows no metric that the registry does not tell", () => {
  for (const { panel, expr } of TARGETS) {
    const families = familiesIn(expr);
    assert.ok(families.length > 0, `${panel.title}: ${expr}`);
    for (const name of families) assert.ok(NAMES.has(name), `${panel.title}: ${name}`);
  }
});

Deno.test("the dashboard sorts and names by labels that the metrics have", () => {
  for (const { panel, expr, legendFormat } of TARGETS) {
    const known = familiesIn(expr).flatMap((name) => [...NAMES.get(name)!.labels]).concat(OTHER_LABELS);
    const used = [
      ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => labels!.split(/,\s*/)),
      ...[...expr.matchAll(/[{,]\s*([a-z_]+)\s*[=!]/g)].map(([, label]) => label!),
      ...[...legendFormat.matchAll(/\{\{([a-z_]+)\}\}/g)].map(([, label]) => label!),
    ];
    for (const label of used) assert.ok(known.includes(label), `${panel.title}: ${label}`);
  }
});

Deno.test("the dashboard leaves no metric out", () => {
  const shown = new Set(TARGETS.flatMap(({ expr }) => familiesIn(expr)));
  assert.deepEqual([...NAMES.keys()].filter((name) => !shown.has(name)), []);
});

Deno.test("no two panels of the dashboard have one number or lie on each other", () => {
  const { panels } = DASHBOARD;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const [index, { title, gridPos: a }] of panels.entries()) {
    for (const { title: other, gridPos: b } of panels.slice(index + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(apart, `${title} and ${other}`);
    }
  }
});
