/** Why a rule is refused: thrown where it is noticed, caught by the one function that compiles rules. */

export class RuleFault extends Error {
  /**
   * @param at offset of the character that it is about, undefined when unknown
   * @param hint what to write instead
   */
  constructor(message: string, readonly at: number | undefined, readonly hint?: string) {
    super(message);
  }
}

/** A piece of a rule as a hint repeats it, `fallback` where it is too long to be repeated. */
export function excerpt(text: string, start: number, end: number, fallback: string): string {
  const piece = text.slice(start, end);
  return piece.length <= 60 && /^[ -~]+$/.test(piece) ? piece : fallback;
}

/** A text that can repeat anything, cut and made fit for one line. */
export function printable(text: string): string {
  return text.slice(0, 200).replace(/[^ -~]+/g, "?");
}

/** "did you mean ...", undefined where nothing is near. */
export function didYouMean(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean ${name}?`;
}
