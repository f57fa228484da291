/** Patterns of `matches()` and of tags: RE2 syntax, compiled when the rule is read, matched in linear time. */
import { RE2JS, RE2JSException } from "re2js";
import { printable } from "./rule_fault.ts";

/** Longest pattern in characters. */
const LONGEST_PATTERN = 1000;

/**
 * Most instructions of a compiled pattern. Time is this times the length of the text, and `(a{500}b{500})` written
 * twenty times makes 20,000.
 */
const MOST_INSTRUCTIONS = 2000;

/** A compiled pattern; the value that takes the place of the pattern's text in a parsed rule. */
export class Pattern {
  readonly #compiled: RE2JS;

  private constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  /** Compiles a pattern, or says why it cannot be used. */
  static compile(text: string): Pattern | string {
    if (text.length > LONGEST_PATTERN) {
      return `the pattern has ${text.length} characters, at most ${LONGEST_PATTERN} are allowed`;
    }
    let compiled: RE2JS;
    try {
      compiled = RE2JS.compile(text);
    } catch (fault) {
      if (!(fault instanceof RE2JSException)) throw fault;
      return `the pattern is not in RE2 syntax, ${
        printable(fault.message.replace(/^error parsing regexp: /, ""))
      }`;
    }
    const size = compiled.programSize();
    if (size <= MOST_INSTRUCTIONS) return new Pattern(compiled);
    return `the pattern is too costly, its ${size} steps are more than ${MOST_INSTRUCTIONS}`;
  }

  /** True when the pattern is found anywhere in the text; `^` and `$` hold it to the ends. */
  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  /** True when the pattern is the whole of the text. */
  testWhole(text: string): boolean {
    return this.#compiled.testExact(text);
  }
}
