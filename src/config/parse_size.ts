/** Sizes as people write them: `5GiB` counts in 1024, `5GB` in 1000. */

const PREFIXES = ["", "k", "m", "g", "t", "p"];

/** Bytes, undefined when the text is no size. Letters in either case, a fraction and one space are taken: `1.5 gib`. */
export function parseSize(text: string): bigint | undefined {
  const match = /^([0-9]{1,15})(?:\.([0-9]{1,9}))? ?([kmgtp]?)(i?)b$/i.exec(text);
  if (match === null) return undefined;
  const [, whole, fraction = "", prefix, binary] = match;
  // "5iB" has no prefix to count in 1024.
  if (prefix === "" && binary !== "") return undefined;
  const factor = (binary === "" ? 1000n : 1024n) ** BigInt(PREFIXES.indexOf(prefix!.toLowerCase()));
  // Digits and not floats, so that a large size is exact.
  return BigInt(whole! + fraction) * factor / 10n ** BigInt(fraction.length);
}
