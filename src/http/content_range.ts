/** The `Content-Range` of an upload: where in the blob a piece belongs. */
import { OciError } from "../core/oci_error.ts";
import { quote } from "../core/quote.ts";

/**
 * Reads `<first>-<last>`, both inclusive (distribution-spec "Pushing a blob in chunks"), and the form of RFC 9110,
 * `bytes <first>-<last>/<size or *>`, which some clients send.
 *
 * @throws {OciError} BLOB_UPLOAD_INVALID
 */
export function parseContentRange(header: string): { first: number; last: number } {
  const match = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})(?:\/(?:[0-9]{1,15}|\*))?$/.exec(header.trim());
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || last < first) {
    throw new OciError("BLOB_UPLOAD_INVALID", {
      message: `Cannot read Content-Range ${quote(header)}: expected first-last, as in 0-1023`,
    });
  }
  return { first, last };
}
