/** The refusal of a method that an endpoint does not take. */
import { OciError } from "../core/oci_error.ts";
import { quote } from "../core/quote.ts";

/** @param allow the methods that it takes, as the header `Allow` lists them */
export function methodNotAllowed(method: string, allow: string): OciError {
  return new OciError("UNSUPPORTED", {
    message: `Cannot ${quote(method)} here: this endpoint takes ${allow}`,
    headers: { allow },
  });
}
