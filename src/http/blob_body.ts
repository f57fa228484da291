/** Bodies made of parts of a blob: one part, or several as multipart/byteranges (RFC 9110 section 14.6). */
import type { ByteRange } from "../core/byte_range.ts";
import type { BlobReader } from "../ports/blob_store.ts";
import type { StreamBody } from "./message.ts";

type Part = ByteRange | Uint8Array;

const encoder = new TextEncoder();

/** One part of a blob. The body closes the reader when it ends, fails, or is left early. */
export function bodyOfRange(reader: BlobReader, range: ByteRange): Uint8Array | StreamBody {
  if (reader.bytes !== undefined) {
    reader.close();
    const { start, end } = range;
    return start === 0 && end === reader.size ? reader.bytes : reader.bytes.subarray(start, end);
  }
  return { length: range.end - range.start, chunks: closing(reader, reader.read(range.start, range.end)) };
}

/** Several parts of a blob, each with its place. `boundary` must not occur in the blob. */
export function bodyOfRanges(
  reader: BlobReader,
  ranges: readonly ByteRange[],
  boundary: string,
): StreamBody {
  const parts: Part[] = [];
  for (const range of ranges) {
    parts.push(encoder.encode(
      `${parts.length === 0 ? "" : "\r\n"}--${boundary}\r\n` +
        `content-type: application/octet-stream\r\ncontent-range: ${
          formatContentRange(range, reader.size)
        }\r\n\r\n`,
    ));
    parts.push(range);
  }
  parts.push(encoder.encode(`\r\n--${boundary}--\r\n`));
  const length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
  return { length, chunks: closing(reader, readParts(reader, parts)) };
}

/** `bytes first-last/size`, both inclusive. */
export function formatContentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

function lengthOf(part: Part): number {
  return part instanceof Uint8Array ? part.length : part.end - part.start;
}

async function* readParts(reader: BlobReader, parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else if (reader.bytes !== undefined) yield reader.bytes.subarray(part.start, part.end);
    else yield* reader.read(part.start, part.end);
  }
}

/** Lets an iteration close the reader. Not a generator: one that is left before its first step runs no `finally`. */
function closing(reader: BlobReader, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  let closed = false;
  const close = () => {
    if (!closed) reader.close();
    closed = true;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const step = await iterator.next();
          if (step.done) close();
          return step;
        } catch (error) {
          close();
          throw error;
        }
      },
      async return() {
        try {
          await iterator.return?.();
        } finally {
          close();
        }
        return { done: true, value: undefined };
      },
    }),
  };
}
