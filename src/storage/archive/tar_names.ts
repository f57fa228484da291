/** Names in tar archives: what pax records say, and which names a bundle may have. */
import { quote } from "../../core/quote.ts";
import { BadArchive } from "./tar_header.ts";

/** Characters of a name; those of a layout have 141 at most. */
const LONGEST_NAME = 1024;

export interface PaxRecords {
  readonly path?: string;
  /** Bytes. */
  readonly size?: number;
}

/**
 * Reads pax records, `LENGTH KEY=VALUE\n` each (POSIX.1-2017 pax). Others than path and size say nothing about content.
 *
 * @throws {BadArchive} for records that are none, and for those of sparse files
 */
export function readPax(bytes: Uint8Array): PaxRecords {
  let path: string | undefined;
  let size: number | undefined;
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 || space - at > 6 ? "" : ascii(bytes.subarray(at, space));
    const end = at + Number(digits);
    const isRecord = /^[1-9][0-9]*$/.test(digits) && end <= bytes.length && bytes[end - 1] === 0x0a;
    const equals = isRecord ? bytes.indexOf(0x3d, space) : -1;
    if (equals < 0 || equals >= end) throw new BadArchive("a pax header cannot be read");
    const key = ascii(bytes.subarray(space + 1, equals));
    const value = bytes.subarray(equals + 1, end - 1);
    if (key.startsWith("GNU.sparse.")) throw new BadArchive("it has sparse files; only plain ones are taken");
    if (key === "path") path = utf8(value);
    if (key === "size") size = readSize(ascii(value));
    at = end;
  }
  return { ...(path !== undefined && { path }), ...(size !== undefined && { size }) };
}

/**
 * A name below the archive's root, without `./` before it; empty for the root itself.
 *
 * @throws {BadArchive} for a name that is absolute or leads elsewhere
 */
export function fileNameOf(name: string): string {
  if (name.length > LONGEST_NAME) throw new BadArchive(`it has the name ${quote(name)}, which is too long`);
  if (name.startsWith("/")) throw new BadArchive(`it has the absolute name ${quote(name)}`);
  // deno-lint-ignore no-control-regex -- those are what is looked for
  if (/[\x00-\x1f\x7f\\]/.test(name)) throw new BadArchive(`it has the name ${quote(name)}`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new BadArchive(`it has the name ${quote(name)}, which leads out of it`);
  return parts.join("/");
}

function readSize(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new BadArchive(`a pax header gives the size ${quote(text)}`);
  return Number(text);
}

function ascii(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BadArchive("a pax header gives a name that is not UTF-8");
  }
}
