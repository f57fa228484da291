/** Ranges of versions: `>=3.18 <4`, `^1.2`, `~1.2.3`, in the manner of npm, for choosing among tags. */
import { SemanticVersion } from "./semantic_version.ts";

export interface VersionRange {
  /** All of them must hold. */
  readonly bounds: readonly Bound[];
  /** True where one of them names a prerelease. */
  readonly takesPrereleases: boolean;
}

/** Plain data, since ranges are part of settings. */
interface Bound {
  readonly below: boolean;
  readonly version: string;
  /** Whether the version itself is in. */
  readonly included: boolean;
}

/** Operator, then a version of which minor and patch may be missing. Linear in any engine. */
const COMPARATOR =
  /^(>=|<=|>|<|=|\^|~)v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,64}))?)?$/;

/** undefined for a text that is no range; every comparator has an operator, so that no tag can look like a range. */
export function parseVersionRange(text: string): VersionRange | undefined {
  const bounds: Bound[] = [];
  let takesPrereleases = false;
  for (const comparator of text.trim().split(/\s+/)) {
    const match = COMPARATOR.exec(comparator);
    if (match === null) return undefined;
    bounds.push(...boundsOf(match));
    takesPrereleases ||= match[5] !== undefined;
  }
  return { bounds, takesPrereleases };
}

/**
 * True for a version inside of all bounds. A prerelease is in only where a bound names one: whoever asks for `>=3.18` does not
 * want `3.21-rc1`, nor what people write behind a dash for other builds, such as `3.20-slim`.
 */
export function isInRange({ bounds, takesPrereleases }: VersionRange, text: string): boolean {
  const version = new SemanticVersion(text);
  if (!version.isVersion || (version.prerelease !== "" && !takesPrereleases)) return false;
  return bounds.every((bound) => {
    const order = version.compare(new SemanticVersion(bound.version));
    if (order === 0) return bound.included;
    return bound.below ? order < 0 : order > 0;
  });
}

function boundsOf([, operator, ...parts]: RegExpExecArray): Bound[] {
  const [major, minor, patch] = parts.slice(0, 3).map((part) =>
    part === undefined ? undefined : Number(part)
  );
  const suffix = parts[3] === undefined ? "" : `-${parts[3]}`;
  const version = `${major}.${minor ?? 0}.${patch ?? 0}${suffix}`;
  // What `1.2` stands for begins with 1.2.0 and ends before 1.3.0.
  const isWhole = patch !== undefined;
  const next = minor === undefined ? after(major!) : after(major!, minor);
  switch (operator) {
    case ">=":
      return [{ below: false, version, included: true }];
    case ">":
      return [
        isWhole
          ? { below: false, version, included: false }
          : { below: false, version: next, included: true },
      ];
    case "<":
      return [{ below: true, version, included: false }];
    case "<=":
      return [
        isWhole ? { below: true, version, included: true } : { below: true, version: next, included: false },
      ];
    case "=":
      return isWhole
        ? [{ below: false, version, included: true }, { below: true, version, included: true }]
        : [{ below: false, version, included: true }, { below: true, version: next, included: false }];
    case "~":
      return [{ below: false, version, included: true }, { below: true, version: next, included: false }];
    default:
      return [{ below: false, version, included: true }, {
        below: true,
        version: endOfCaret(major!, minor, patch),
        included: false,
      }];
  }
}

/** `^` lets everything move that is right of the first part that is not 0. */
function endOfCaret(major: number, minor: number | undefined, patch: number | undefined): string {
  if (major > 0 || minor === undefined) return after(major);
  if (minor > 0 || patch === undefined) return after(0, minor);
  return after(0, 0, patch);
}

/** The first version that does not begin with these parts; "-0" comes before each of its prereleases. */
function after(major: number, minor?: number, patch?: number): string {
  if (minor === undefined) return `${major + 1}.0.0-0`;
  if (patch === undefined) return `${major}.${minor + 1}.0-0`;
  return `${major}.${minor}.${patch + 1}-0`;
}
