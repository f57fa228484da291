/** Reading a body whole, for the one kind of content that is small enough: manifests. */
import type { OciError } from "../core/oci_error.ts";
import type { RequestBody } from "./message.ts";

/**
 * Reads at most `limit` bytes. A body that is announced or found to be larger is refused with `tooLarge()`,
 * without a byte read or without reading further.
 *
 * @throws {OciError} what `tooLarge` makes
 */
export async function readWhole(
  body: RequestBody,
  limit: number,
  tooLarge: () => OciError,
): Promise<Uint8Array> {
  if (body.length !== undefined && body.length > limit) throw tooLarge();
  if (body.length === 0) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body.chunks()) {
    length += chunk.length;
    if (length > limit) throw tooLarge();
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
