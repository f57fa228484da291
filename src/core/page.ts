/** Pages: how much of a sorted listing a client asks for at once. */
import { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";

/** The most entries of one page of tags or repositories, and what a client gets that names no number. */
export const LARGEST_PAGE = 1000;

/**
 * Reads the `n` parameter of a listing: undefined and "" ask for the largest page, a greater number is cut to it.
 *
 * @throws {OciError} PAGINATION_NUMBER_INVALID for anything but decimal digits
 */
export function parsePageSize(text: string | undefined): number {
  if (text === undefined || text === "") return LARGEST_PAGE;
  if (!/^[0-9]+$/.test(text)) {
    throw new OciError("PAGINATION_NUMBER_INVALID", {
      message: `Cannot list ${quote(text)} entries: n must be a decimal number, 0 or more`,
    });
  }
  return Math.min(Number(text), LARGEST_PAGE);
}
