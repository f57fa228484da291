/** Makes the key of somebody who shows another one's certificate. */
import type { KeyPair } from "../auth/key_factory.ts";
import { toPem } from "../auth/certificate_factory.ts";

/** Bytes of an uncompressed point on P-256. */
const POINT_BYTES = 65;

/**
 * A P-256 key in PKCS #8 that signs with the private key of the one and claims the public key of the other, so that
 * OpenSSL takes it for the key of the other one's certificate.
 */
export function withPublicKeyOf(own: KeyPair, other: KeyPair): string {
  const encoding = new Uint8Array(own.privateKey.export({ type: "pkcs8", format: "der" }));
  // Both encodings end with the public point (RFC 5915 section 3, RFC 5480 section 2.2).
  encoding.set(other.publicKey.subarray(-POINT_BYTES), encoding.length - POINT_BYTES);
  return toPem("PRIVATE KEY", encoding);
}
