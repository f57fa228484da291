/** Metrics as text, in the exposition format of Prometheus, version 0.0.4. */
import { exposedName, METRIC_FAMILIES, metricFamily, type MetricName } from "../core/metric_families.ts";
import type { Sample } from "./process_metrics.ts";

/** Families in the order of the vocabulary, those without samples left out. */
export function formatMetrics(families: ReadonlyMap<MetricName, readonly Sample[]>): string {
  let text = "";
  for (const name of Object.keys(METRIC_FAMILIES) as MetricName[]) {
    const samples = families.get(name);
    if (samples !== undefined) text += formatFamily(name, samples);
  }
  return text;
}

function formatFamily(name: MetricName, samples: readonly Sample[]): string {
  const { type, help, labels, buckets } = metricFamily(name);
  const exposed = exposedName(name);
  const helpText = help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  let text = `# HELP ${exposed} ${helpText}\n# TYPE ${exposed} ${type}\n`;
  for (const { labels: values, numbers } of samples) {
    const pairs = labels.map((label, i) => `${label}="${escapeValue(values[i]!)}"`);
    text += buckets === undefined
      ? `${exposed}${inBraces(pairs)} ${numbers[0]}\n`
      : formatHistogram(exposed, pairs, buckets, numbers);
  }
  return text;
}

function formatHistogram(
  name: string,
  pairs: readonly string[],
  bounds: readonly number[],
  numbers: readonly number[],
): string {
  let text = "";
  let count = 0;
  for (const [i, bound] of [...bounds, "+Inf"].entries()) {
    count += numbers[i]!;
    text += `${name}_bucket${inBraces([...pairs, `le="${bound}"`])} ${count}\n`;
  }
  const labels = inBraces(pairs);
  return `${text}${name}_sum${labels} ${numbers.at(-1)}\n${name}_count${labels} ${count}\n`;
}

function inBraces(pairs: readonly string[]): string {
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeValue(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
