/** Signs bundles and checks their signatures: ed25519 (RFC 8032) over the bytes of the index, which names all the rest. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";

/** Gives the 64 bytes of a signature. */
export type Signer = (index: Uint8Array) => Uint8Array;

/** @throws {Error} when the file holds no private ed25519 key in PEM (PKCS#8) */
export function readSigner(path: string): Signer {
  const key = readKey(readKeyFile(path), path, "private", createPrivateKey);
  return (index) => sign(null, index, key);
}

/**
 * @param path where the key comes from, for messages
 * @throws {Error} when the text is no public ed25519 key in PEM
 */
export function verifierOf(pem: string, path: string): (index: Uint8Array, signature: Uint8Array) => boolean {
  const key = readKey(pem, path, "public", createPublicKey);
  return (index, signature) => verify(null, index, key, signature);
}

/** Text of a file that is to hold a key. @throws {Error} when it cannot be read */
export function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`Cannot read the key in ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function readKey(pem: string, path: string, kind: string, read: (pem: string) => KeyObject): KeyObject {
  const wrong = (why: string, cause?: unknown) =>
    new Error(`Cannot use ${path} as a ${kind} key for bundles: ${why}`, { cause });
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
