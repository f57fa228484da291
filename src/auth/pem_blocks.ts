/** Finds the blocks of a PEM text (RFC 7468) and refuses what stands half in it. */

export interface PemBlock {
  /** "CERTIFICATE" */
  readonly label: string;
  readonly der: Uint8Array;
  /** Line of its BEGIN, counted from 1. */
  readonly line: number;
}

const BOUNDARY = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----$/;

/** All blocks, and a sentence for each thing that cannot be read. Text outside of blocks is a comment. */
export function readPemBlocks(text: string): { blocks: PemBlock[]; problems: string[] } {
  const blocks: PemBlock[] = [];
  const problems: string[] = [];
  let open: { label: string; line: number; base64: string } | undefined;
  for (const [index, rawLine] of text.split("\n").entries()) {
    const line = rawLine.trim();
    const boundary = BOUNDARY.exec(line);
    if (boundary === null) {
      if (open !== undefined) open.base64 += line;
      else if (line.includes("-----BEGIN") || line.includes("-----END")) {
        problems.push(`line ${index + 1} is a damaged PEM boundary`);
      }
      continue;
    }
    const [, kind, label = ""] = boundary;
    if (kind === "BEGIN") {
      if (open !== undefined) problems.push(`the PEM block that starts in line ${open.line} does not end`);
      open = { label, line: index + 1, base64: "" };
    } else if (open === undefined || open.label !== label) {
      problems.push(`line ${index + 1} ends a PEM block ${label} that does not start`);
      open = undefined;
    } else {
      try {
        blocks.push({ label, line: open.line, der: Uint8Array.fromBase64(open.base64) });
      } catch {
        problems.push(`the PEM block that starts in line ${open.line} is not base64`);
      }
      open = undefined;
    }
  }
  if (open !== undefined) problems.push(`the PEM block that starts in line ${open.line} does not end`);
  return { blocks, problems };
}
