/** Versions in tags (semver.org 2.0.0, and what people make of it). */

/** With or without "v"; minor and patch may be missing; "_" for the "+" that no tag can hold. Linear in any engine. */
const FORM =
  /^v?(\d{1,18})(?:\.(\d{1,18}))?(?:\.(\d{1,18}))?(?:-([0-9A-Za-z.-]+))?(?:[+_][0-9A-Za-z.+_-]*)?$/;

export class SemanticVersion {
  readonly isVersion: boolean;
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** What stands behind the "-"; "" for a release. */
  readonly prerelease: string;

  /** A text that is no version makes one that is neither less than, nor equal to, nor greater than any. */
  constructor(text: string) {
    const match = FORM.exec(text);
    const [, major = "0", minor = "0", patch = "0", prerelease = ""] = match ?? [];
    this.isVersion = match !== null;
    this.major = BigInt(major);
    this.minor = BigInt(minor);
    this.patch = BigInt(patch);
    this.prerelease = prerelease;
  }

  /** Negative, 0 or positive as this one comes before, with or after the other; NaN where one is no version. */
  compare(other: SemanticVersion): number {
    if (!this.isVersion || !other.isVersion) return NaN;
    for (const part of ["major", "minor", "patch"] as const) {
      if (this[part] !== other[part]) return this[part] < other[part] ? -1 : 1;
    }
    return comparePrereleases(this.prerelease, other.prerelease);
  }
}

/** Semver section 11: a release comes after its prereleases, numbers before words, fewer parts before more. */
function comparePrereleases(one: string, other: string): number {
  if (one === "" || other === "") return one === other ? 0 : one === "" ? 1 : -1;
  const [parts, others] = [one.split("."), other.split(".")];
  for (let i = 0; i < Math.min(parts.length, others.length); i++) {
    const difference = compareIdentifiers(parts[i]!, others[i]!);
    if (difference !== 0) return difference;
  }
  return parts.length - others.length;
}

function compareIdentifiers(one: string, other: string): number {
  if (one === other) return 0;
  const [isNumber, otherIsNumber] = [one, other].map((part) => /^\d{1,18}$/.test(part)) as [boolean, boolean];
  if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
  const isLess = isNumber ? BigInt(one) < BigInt(other) : one < other;
  return isNumber && BigInt(one) === BigInt(other) ? 0 : isLess ? -1 : 1;
}
