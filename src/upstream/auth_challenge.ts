/** Reads `WWW-Authenticate`: which scheme an upstream wants, and with what (RFC 9110 section 11.6.1). */

export type AuthChallenge =
  | {
    readonly scheme: "bearer";
    readonly realm: string;
    readonly service: string | undefined;
    readonly scope: string | undefined;
  }
  | { readonly scheme: "basic" };

/** A header is longer than this only by intent. */
const LONGEST_HEADER = 8192;

/** The first challenge that a registry client can answer, Bearer before Basic; undefined where there is none. */
export function readChallenge(header: string | undefined): AuthChallenge | undefined {
  if (header === undefined || header.length > LONGEST_HEADER) return undefined;
  let basic: AuthChallenge | undefined;
  for (const { scheme, parameters } of splitChallenges(header)) {
    const realm = parameters.get("realm");
    if (scheme === "bearer" && realm !== undefined) {
      return { scheme, realm, service: parameters.get("service"), scope: parameters.get("scope") };
    }
    if (scheme === "basic") basic = { scheme };
  }
  return basic;
}

interface RawChallenge {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))/y;

/** A word that "=" follows is a parameter of the challenge before it; any other begins a challenge. */
function splitChallenges(header: string): RawChallenge[] {
  const challenges: RawChallenge[] = [];
  for (let at = 0; at < header.length;) {
    const word = matchAt(TOKEN, header, at);
    if (word === undefined) {
      at++;
      continue;
    }
    at += word[0].length;
    const value = matchAt(PARAMETER, header, at);
    if (value === undefined) {
      challenges.push({ scheme: word[0].toLowerCase(), parameters: new Map() });
      continue;
    }
    at += value[0].length;
    const text = value[1]?.replace(/\\(.)/g, "$1") ?? value[2] ?? "";
    challenges.at(-1)?.parameters.set(word[0].toLowerCase(), text);
  }
  return challenges;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
