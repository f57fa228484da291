/** Puts a value that a client sent into a message: escaped, bounded, on one line. */

const LONGEST = 100;

/** `"text"` with control and non-ASCII characters escaped and the middle of a long text left out. */
export function quote(text: string): string {
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST - 20)}...${text.slice(-15)}` : text;
  return JSON.stringify(shown).replace(/[\x7f-\uffff]/g, (c) => {
    return "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  });
}
