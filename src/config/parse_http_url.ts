/** URLs of HTTP servers, absolute and without credentials. */

/** The URL, undefined when the text is none, holds a user name or a fragment, or a character that parsers disagree on. */
export function parseHttpUrl(text: string): URL | undefined {
  // `new URL()` alone takes "https:example.com", backslashes, and drops tabs and newlines.
  if (!/^https?:\/\/[!$-;=?-Z\[\]_a-z~]+$/i.test(text)) return undefined;
  const url = URL.parse(text);
  return url === null || url.username !== "" || url.password !== "" || url.hash !== "" ? undefined : url;
}
