/** Signs bundles and checks their signatures: ed25519 (RFC 8032) over the bytes of the index, which names all the rest. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";

/** Gives the 64 bytes of a signature. */
export type Signer = (index: Uint8Array) => Uint8Array;

/** @throws {Error} when the file holds no private ed25519 key in PEM (PKCS#8) */
export function readSigner(path: string): Signer {
  const key = readKey(path, "private", createPrivateKey);
  return (index) => sign(null, index, key);
}

/** @throws {Error} when the file holds no public ed25519 key in PEM */
export function readVerifier(path: string): (index: Uint8Array, signature: Uint8Array) => boolean {
  const key = readKey(path, "public", createPublicKey);
  return (index, signature) => verify(null, index, key, signature);
}

function readKey(path: string, kind: string, read: (pem: string) => KeyObject): KeyObject {
  const wrong = (why: string, cause?: unknown) =>
    new Error(`Cannot use ${path} as a ${kind} key for bundles: ${why}`, { cause });
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (error) {
    throw wrong((error as Error).message, error);
  }
  if (pem.includes("ENCRYPTED")) throw wrong("it is encrypted; openssl pkey -in FILE removes the passphrase");
  let key: KeyObject;
  try {
    key = read(pem);
  } catch (error) {
    throw wrong(`it is no ${kind} key in PEM`, error);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw wrong(
    `it is of type ${key.asymmetricKeyType}; openssl genpkey -algorithm ed25519 makes one that fits`,
  );
}
