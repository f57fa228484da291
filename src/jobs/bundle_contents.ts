/** The list that rides along in a bundle: every blob that it speaks of, and which earlier bundle holds those that it lacks. */
import { type Digest, isDigest } from "../core/digest.ts";
import { quote } from "../core/quote.ts";
import { compare } from "./bundle_format.ts";

/** The first line of the list; another version has another one. */
const FIRST_LINE = "simple-registry bundle contents 1";

/** Characters of a bundle's name that are kept. */
const LONGEST_NAME = 200;

/** An earlier bundle. */
export interface EarlierBundle {
  /** Digest of its `index.json`. */
  readonly id: Digest;
  /** What its file was called when a later one was made after it. */
  readonly name: string;
}

export interface BundleContents {
  /** Those that hold what this one lacks, each once. */
  readonly earlier: readonly EarlierBundle[];
  /** Size in bytes of each blob, and the earlier bundle that holds it; undefined where this one does. */
  readonly blobs: ReadonlyMap<Digest, { readonly size: number; readonly in?: EarlierBundle }>;
}

/** Lines of text, in an order that depends on nothing but the blobs. */
export function writeContents({ earlier, blobs }: BundleContents): Uint8Array {
  const numbers = new Map(earlier.map((bundle, index) => [bundle, index + 1]));
  const lines = [FIRST_LINE, ...earlier.map(({ id, name }) => `bundle ${id} ${nameInLine(name)}`)];
  for (const [digest, blob] of [...blobs].sort(([a], [b]) => compare(a, b))) {
    lines.push(`${digest} ${blob.size} ${blob.in === undefined ? "here" : numbers.get(blob.in)}`);
  }
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** @throws {Error} when it is no such list */
export function readContents(bytes: Uint8Array): BundleContents {
  const [first, ...lines] = new TextDecoder().decode(bytes).trimEnd().split("\n");
  if (first !== FIRST_LINE) {
    throw new Error(`Cannot read the list of contents: it begins with ${quote(first ?? "")}`);
  }
  const earlier: EarlierBundle[] = [];
  const blobs = new Map<Digest, { size: number; in?: EarlierBundle }>();
  for (const line of lines) {
    const [one = "", two = "", three = ""] = line.split(" ", 3);
    if (one === "bundle" && isDigest(two)) {
      earlier.push({ id: two, name: nameInLine(line.slice(`bundle ${two} `.length)) });
      continue;
    }
    const holder = three === "here" ? undefined : earlier[Number(three) - 1];
    if (!isDigest(one) || !/^[0-9]{1,15}$/.test(two) || (three !== "here" && holder === undefined)) {
      throw new Error(`Cannot read the list of contents: it has the line ${quote(line)}`);
    }
    blobs.set(one, { size: Number(two), ...(holder !== undefined && { in: holder }) });
  }
  return { earlier, blobs };
}

/** What is shown to people must not move their cursor. */
function nameInLine(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, "?").slice(0, LONGEST_NAME);
}
