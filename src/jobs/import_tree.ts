/** What the sources of an import that read foreign data directories share: files of bounded size, digests in paths, chunks. */
import { type Digest, isDigest } from "../core/digest.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { SourceBlob } from "../ports/content_source.ts";
import type { FileEntry, FileTree } from "../ports/file_tree.ts";

/** Bytes read at once. */
const CHUNK = 1024 * 1024;

/** A file as a blob; undefined where there is none. */
export async function blobAt(tree: FileTree, path: string): Promise<SourceBlob | undefined> {
  const size = await tree.sizeOf(path);
  return size === undefined ? undefined : { size, chunks: () => chunksOf(tree, path, size) };
}

/** @throws {SourceFault} when the file ends before `size` bytes */
export async function* chunksOf(
  tree: FileTree,
  path: string,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < size;) {
    const chunk = new Uint8Array(Math.min(CHUNK, size - at));
    const read = await tree.read(path, at, chunk);
    if (read < chunk.length) throw new SourceFault(`its file ended at byte ${at + read} of ${size}`);
    at += read;
    yield chunk;
  }
}

/** A small file whole; undefined where there is none. @throws {SourceFault} for one of more than `most` bytes */
export async function readSmall(
  tree: FileTree,
  path: string,
  most: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const size = await tree.sizeOf(path);
  if (size === undefined) return undefined;
  if (size > most) throw new SourceFault(`it has ${size} bytes, at most ${most} are taken`);
  const bytes = new Uint8Array(size);
  const read = await tree.read(path, 0, bytes);
  if (read < size) throw new SourceFault(`its file ended at byte ${read} of ${size}`);
  return bytes;
}

/** Names of the folders in a folder; none where it is not there. */
export async function foldersIn(tree: FileTree, path: string): Promise<string[]> {
  return (await entriesOf(tree, path)).filter(({ kind }) => kind === "folder").map(({ name }) => name);
}

/** In order of their names, so that an import goes the same way each time. */
export async function entriesOf(tree: FileTree, path: string): Promise<FileEntry[]> {
  const entries = await tree.list(path) ?? [];
  return [...entries].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** `sha256` and `<hex>`, as folders name them; undefined for what is no digest. */
export function digestOf(algorithm: string, hex: string): Digest | undefined {
  const text = `${algorithm}:${hex}`;
  return isDigest(text) ? text : undefined;
}
