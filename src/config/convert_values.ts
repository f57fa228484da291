/** Values of the original's configuration that mean something else here, or are refused: what to write instead. */

/** How a string stands in the file: with quotation marks and escapes. */
type Token = string;

export interface NewValue {
  readonly token: Token;
  /** Why, as a comment. */
  readonly why: string;
}

/** Texts that are never null here; absent ones are empty. */
const NULLABLE = /\b(identity\.(?:username|id|client_ip)|image\.tag)\s*(==|!=)\s*null\b/g;

/** The same the other way round. */
const NULL_FIRST = /\bnull\s*(==|!=)\s*(identity\.(?:username|id|client_ip)|image\.tag)\b/g;

/** A rule that compares with null; undefined for one that stays. */
export function convertRule(token: Token): NewValue | undefined {
  // Inside of '...' another ' would end the string.
  const empty = token.startsWith("'") ? '""' : "''";
  const converted = token.replace(NULLABLE, `$1 $2 ${empty}`).replace(NULL_FIRST, `${empty} $1 $2`);
  if (converted === token) return undefined;
  return { token: converted, why: "what is absent is an empty text here, and never null" };
}

/** A pattern that was looked for anywhere in a tag: here it stands for the whole one. undefined for one that does so already. */
export function convertTagPattern(token: Token): NewValue | undefined {
  const quotes = /^("""|'''|"|')/.exec(token)![0];
  const pattern = token.slice(quotes.length, -quotes.length);
  const isWhole = /^\^[^|]*\$$/.test(pattern) && !pattern.endsWith("\\$");
  if (isWhole || /^\.\*\(\?:.*\)\.\*$/.test(pattern)) return undefined;
  return {
    token: `${quotes}.*(?:${pattern}).*${quotes}`,
    why: "a pattern stands for the whole tag here, and was looked for anywhere in it",
  };
}

/** The folder of the original's content is not taken: this registry makes one of its own. */
export function convertRootDir(token: Token): NewValue {
  const quotes = /^("""|'''|"|')/.exec(token)![0];
  const path = token.slice(quotes.length, -quotes.length).replace(/\/+$/, "");
  return {
    token: `${quotes}${path}.simple-registry${quotes}`,
    why:
      `a new folder; bring the content of the old one with: simple-registry import --from-simple-registry ${path}`,
  };
}

/** The original sends traces by gRPC; the same collectors take them over HTTP at the next port. */
export function convertCollector(token: Token): NewValue | undefined {
  const converted = token.replace(/:4317(?=\/?["'])/, ":4318");
  return converted === token ? undefined : { token: converted, why: "traces go over HTTP here, not by gRPC" };
}

/** `${` begins the name of an environment variable here, and was nothing special. */
export function keepDollars(token: Token): NewValue | undefined {
  const converted = token.replace(/(?<!\$)\$\{/g, "$$$${");
  return converted === token
    ? undefined
    : { token: converted, why: "$${ is a plain ${ here, which names an environment variable" };
}
