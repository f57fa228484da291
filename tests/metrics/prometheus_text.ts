/** Reads the exposition format of Prometheus, version 0.0.4, and throws at whatever a scraper could stumble over. */

export interface MetricSample {
  /** With `_bucket`, `_sum` or `_count` for those of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ReadFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: MetricSample[];
}

const NAME = /^[a-z][a-z0-9_]*$/;
const TYPES = ["counter", "gauge", "histogram"];

/** Families by name. */
export function readPrometheusText(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>();
  if (!text.endsWith("\n")) throw new Error("the text does not end with a line feed");
  let current: [name: string, family: ReadFamily] | undefined;
  let help: [name: string, text: string] | undefined;
  for (const [i, line] of text.slice(0, -1).split("\n").entries()) {
    const fail = (what: string): never => {
      throw new Error(`line ${i + 1}: ${what}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      if (!NAME.test(name)) fail("no name of a metric");
      if (kind === "HELP") {
        help = [name, unescape(rest, /\\([\\n])/g)];
        continue;
      }
      if (help?.[0] !== name) fail("TYPE does not stand behind HELP of the same family");
      if (!TYPES.includes(rest)) fail("unknown type");
      if (families.has(name)) fail("the family was there before");
      current = [name, { type: rest, help: help![1], samples: [] }];
      families.set(...current);
      continue;
    }
    const sample = readSample(line) ?? fail("no sample");
    if (current === undefined || familyOf(sample.name, current[1].type) !== current[0]) {
      fail("does not belong to the family above it");
    }
    current![1].samples.push(sample);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function readSample(line: string): MetricSample | undefined {
  const parts = /^([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)$/.exec(line);
  if (parts === null) return undefined;
  const [, name, pairs = "", number] = parts as unknown as [string, string, string | undefined, string];
  if (pairs.endsWith(",")) return undefined;
  const labels: Record<string, string> = {};
  for (const [, label, value] of pairs.matchAll(/([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"/g)) {
    if (label! in labels) return undefined;
    labels[label!] = unescape(value!, /\\([\\"n])/g);
  }
  if (!/^(\+Inf|-Inf|NaN|-?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(number)) return undefined;
  return { name, labels, value: Number(number.replace("Inf", "Infinity")) };
}

function unescape(text: string, escapes: RegExp): string {
  return text.replace(escapes, (_, c: string) => c === "n" ? "\n" : c);
}

function familyOf(name: string, type: string): string {
  return type === "histogram" ? name.replace(/_(bucket|sum|count)$/, "") : name;
}

function checkFamily(name: string, { type, help, samples }: ReadFamily): void {
  if (samples.length === 0) throw new Error(`${name} has no sample`);
  if (help === "") throw new Error(`${name} has no help`);
  const seen = new Set<string>();
  for (const { name: sampleName, labels, value } of samples) {
    const key = JSON.stringify([sampleName, Object.entries(labels).toSorted()]);
    if (seen.has(key)) throw new Error(`${name} has a sample twice: ${key}`);
    seen.add(key);
    if (type !== "gauge" && !(value >= 0)) throw new Error(`${name} counts to ${value}`);
  }
  if ((type === "counter") !== name.endsWith("_total")) throw new Error(`${name} is a ${type}`);
  if (type === "histogram") checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly MetricSample[]): void {
  const sets = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels));
  for (const [labels, set] of sets) {
    const buckets = set.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le?.replace("Inf", "Infinity")));
    const ascending = (numbers: number[], least: number) =>
      numbers.every((number, i) => i === 0 || number - numbers[i - 1]! >= least);
    if (!ascending(bounds, Number.MIN_VALUE)) throw new Error(`${name}${labels}: the bounds do not ascend`);
    if (!ascending(buckets.map(({ value }) => value), 0)) {
      throw new Error(`${name}${labels}: a bucket lacks others`);
    }
    if (bounds.at(-1) !== Infinity) throw new Error(`${name}${labels}: no bucket holds everything`);
    const count = set.filter((sample) => sample.name === `${name}_count`);
    const sum = set.filter((sample) => sample.name === `${name}_sum`);
    if (count.length !== 1 || sum.length !== 1) {
      throw new Error(`${name}${labels}: count and sum are missing`);
    }
    if (count[0]!.value !== buckets.at(-1)!.value) {
      throw new Error(`${name}${labels}: count is not the last bucket`);
    }
  }
}

/** The value of the only sample with these labels; undefined where there is none. */
export function findSample(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  return family?.samples.find((sample) =>
    sample.name === name &&
    JSON.stringify(Object.entries(sample.labels).toSorted()) ===
      JSON.stringify(Object.entries(labels).toSorted())
  )?.value;
}
