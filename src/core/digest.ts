/** Content digests: `algorithm:hex` of the algorithms that this registry can verify. */
import { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";

/** A verified-in-form digest such as `sha256:e3b0...`; only {@linkcode parseDigest} and {@linkcode makeDigest} make one. */
export type Digest = string & { readonly __brand: "Digest" };

export type DigestAlgorithm = "sha256" | "sha512";

const HEX_LENGTH: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };

/**
 * Parses a digest: `sha256:` and 64 or `sha512:` and 128 lower-case hexadecimal digits (image-spec, descriptor.md "Digests").
 *
 * @throws {OciError} DIGEST_INVALID
 */
export function parseDigest(text: string): Digest {
  const reason = faultOf(text);
  if (reason !== undefined) {
    throw new OciError("DIGEST_INVALID", { message: `Cannot read digest ${quote(text)}: ${reason}` });
  }
  return text as Digest;
}

/** True when {@linkcode parseDigest} would take the text. */
export function isDigest(text: string): text is Digest {
  return faultOf(text) === undefined;
}

/** Joins an algorithm and the hexadecimal output of its hash. The caller vouches for the form of `hex`. */
export function makeDigest(algorithm: DigestAlgorithm, hex: string): Digest {
  return `${algorithm}:${hex}` as Digest;
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha256:") ? "sha256" : "sha512";
}

/** The hexadecimal part, 64 or 128 digits. */
export function hexOf(digest: Digest): string {
  return digest.slice(7);
}

/**
 * Parses the `digest-algorithm` hint of an upload (distribution-spec main, end-4a).
 *
 * @throws {OciError} DIGEST_INVALID for an algorithm that cannot be verified here
 */
export function parseDigestAlgorithm(text: string): DigestAlgorithm {
  if (text === "sha256" || text === "sha512") return text;
  throw new OciError("DIGEST_INVALID", {
    message: `Cannot use digest algorithm ${quote(text)}: expected sha256 or sha512`,
  });
}

function faultOf(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon < 0) return "expected algorithm:hex";
  const algorithm = text.slice(0, colon);
  if (algorithm !== "sha256" && algorithm !== "sha512") return "expected the algorithm sha256 or sha512";
  const length = text.length - colon - 1;
  if (length !== HEX_LENGTH[algorithm]) {
    return `expected ${HEX_LENGTH[algorithm]} hexadecimal digits, found ${length} characters`;
  }
  for (let i = colon + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const lowerHex = (c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66);
    if (!lowerHex) return "expected lower-case hexadecimal digits only";
  }
  return undefined;
}
