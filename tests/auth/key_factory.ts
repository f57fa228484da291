/** Makes key pairs of all kinds, and signs with them in every way that a certificate can say. */
import { Buffer } from "node:buffer";
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { der, derBitString, derInteger, derObjectIdentifier, derSequence } from "../harness/der.ts";

export type KeyKind =
  | "P-256"
  | "P-384"
  | "P-521"
  | "secp256k1"
  | "Ed25519"
  | "Ed448"
  | "RSA-1024"
  | "RSA-2048"
  | "RSA-3072";

export interface KeyPair {
  readonly kind: KeyKind;
  readonly privateKey: KeyObject;
  /** PKCS #8. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
}

/** A new key pair. RSA takes some 100 ms and more; everything else is immediate. */
export function makeKeyPair(kind: KeyKind): KeyPair {
  const { publicKey, privateKey } = generate(kind);
  return {
    kind,
    privateKey,
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
  };
}

function generate(kind: KeyKind): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (kind) {
    case "Ed25519":
      return generateKeyPairSync("ed25519");
    case "Ed448":
      return generateKeyPairSync("ed448");
    case "RSA-1024":
    case "RSA-2048":
    case "RSA-3072":
      return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) });
    default:
      return generateKeyPairSync("ec", { namedCurve: kind });
  }
}

/**
 * How to sign. "SHA-1" and "MD5" only say so in the certificate and are made with SHA-256, which is enough for
 * something that has to be refused before anybody checks it.
 */
export type SignatureHash = "SHA-256" | "SHA-384" | "SHA-512" | "PSS-SHA-256" | "SHA-1" | "MD5";

/** The hash that fits the key; P-521 cannot be used with SHA-256 by the runtime's crypto. */
export function usualHash(key: KeyPair): SignatureHash {
  return key.kind === "P-521" ? "SHA-512" : key.kind === "P-384" ? "SHA-384" : "SHA-256";
}

/** The AlgorithmIdentifier of a signature. */
export function signatureAlgorithm(key: KeyPair, hash: SignatureHash): Uint8Array {
  if (key.kind === "Ed25519") return derSequence(derObjectIdentifier("1.3.101.112"));
  if (key.kind === "Ed448") return derSequence(derObjectIdentifier("1.3.101.113"));
  if (!key.kind.startsWith("RSA")) return derSequence(derObjectIdentifier(ECDSA_IDENTIFIERS[hash]));
  if (hash !== "PSS-SHA-256") return derSequence(derObjectIdentifier(RSA_IDENTIFIERS[hash]), der(0x05));
  const sha256 = derSequence(derObjectIdentifier("2.16.840.1.101.3.4.2.1"), der(0x05));
  const maskGeneration = derSequence(derObjectIdentifier("1.2.840.113549.1.1.8"), sha256);
  return derSequence(
    derObjectIdentifier(RSA_IDENTIFIERS[hash]),
    derSequence(der(0xa0, sha256), der(0xa1, maskGeneration), der(0xa2, derInteger(Uint8Array.of(32)))),
  );
}

/** The BIT STRING of a signature over the bytes. */
export function signatureOver(bytes: Uint8Array, key: KeyPair, hash: SignatureHash): Uint8Array {
  return derBitString(new Uint8Array(rawSignature(bytes, key, hash)));
}

function rawSignature(bytes: Uint8Array, key: KeyPair, hash: SignatureHash): Buffer {
  if (key.kind === "Ed25519" || key.kind === "Ed448") return sign(null, bytes, key.privateKey);
  if (hash === "PSS-SHA-256") {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return sign("sha256", bytes, { key: key.privateKey, padding, saltLength: 32 });
  }
  const weak = hash === "SHA-1" || hash === "MD5";
  return sign(weak ? "sha256" : hash.replace("-", "").toLowerCase(), bytes, key.privateKey);
}

const RSA_IDENTIFIERS: Readonly<Record<SignatureHash, string>> = {
  "SHA-256": "1.2.840.113549.1.1.11",
  "SHA-384": "1.2.840.113549.1.1.12",
  "SHA-512": "1.2.840.113549.1.1.13",
  "PSS-SHA-256": "1.2.840.113549.1.1.10",
  "SHA-1": "1.2.840.113549.1.1.5",
  "MD5": "1.2.840.113549.1.1.4",
};

const ECDSA_IDENTIFIERS: Readonly<Record<SignatureHash, string>> = {
  "SHA-256": "1.2.840.10045.4.3.2",
  "SHA-384": "1.2.840.10045.4.3.3",
  "SHA-512": "1.2.840.10045.4.3.4",
  "PSS-SHA-256": "1.2.840.10045.4.3.2",
  "SHA-1": "1.2.840.10045.4.1",
  "MD5": "1.2.840.10045.4.1",
};
