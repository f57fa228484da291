/** Why a manifest is refused: faults of its JSON text, told by byte, and faults of what it says, told by member. */
import { OciError } from "./oci_error.ts";

/** The error for text that is refused; `offset` counts from 0 and is told counting from 1. */
export function jsonFault(what: string, offset: number): OciError {
  return new OciError("MANIFEST_INVALID", {
    message: `Cannot read manifest: ${what} at byte ${offset + 1}`,
  });
}

/** The error for content that is refused; `what` is a sentence that starts with the member, e.g. `layers[3].size is ...`. */
export function manifestFault(what: string): OciError {
  return new OciError("MANIFEST_INVALID", { message: `Cannot accept manifest: ${what}` });
}
