/** Public keys of certificates, and the signatures that are checked with them. */
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { DerError, DerReader, type DerValue, readSingle, TAG } from "./der_reader.ts";
import { bitStringBytesOf, objectIdentifierOf, smallNumberOf, unsignedOf } from "./der_values.ts";

export type PublicKeyKind = "RSA" | "ECDSA" | "Ed25519";

/** A key as a certificate holds it (SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7). */
export interface PublicKey {
  readonly encoding: Uint8Array;
  /** undefined for a key that cannot be used here; `fault` says why. */
  readonly kind: PublicKeyKind | undefined;
  /** "uses an RSA key of 1024 bits, expected at least 2048", undefined for a key that can be used. */
  readonly fault: string | undefined;
}

const CURVES: Readonly<Record<string, string>> = {
  "1.2.840.10045.3.1.7": "P-256",
  "1.3.132.0.34": "P-384",
  "1.3.132.0.35": "P-521",
};
const SHORTEST_RSA = 2048;
/** A longer one costs more time to check with than a certificate is worth. */
const LONGEST_RSA = 8192;

/** @throws {DerError} */
export function readPublicKey(value: DerValue): PublicKey {
  const reader = new DerReader(value.content);
  const algorithm = reader.enter("the public key");
  const identifier = objectIdentifierOf(
    algorithm.read("the public key", TAG.objectIdentifier),
    "the public key",
  );
  const parameters = algorithm.follows() ? algorithm.read("the public key") : undefined;
  algorithm.end("the public key");
  const bits = bitStringBytesOf(reader.read("the public key", TAG.bitString), "the public key");
  reader.end("the public key");

  const key = (kind: PublicKeyKind, fault?: string): PublicKey => ({
    encoding: value.encoding,
    kind: fault === undefined ? kind : undefined,
    fault,
  });
  switch (identifier) {
    case "1.2.840.113549.1.1.1":
      return key("RSA", rsaFault(bits));
    case "1.2.840.10045.2.1": {
      const curve = parameters?.tag === TAG.objectIdentifier
        ? objectIdentifierOf(parameters, "the curve of the public key")
        : "with explicit parameters";
      const fault = `uses an elliptic curve that is not supported (${curve}), expected P-256, P-384 or P-521`;
      return key("ECDSA", CURVES[curve] === undefined ? fault : undefined);
    }
    case "1.3.101.112":
      return key("Ed25519", bits.length === 32 ? undefined : "uses a damaged Ed25519 key");
    default:
      return key("RSA", `uses a kind of key that is not supported (${identifier})`);
  }
}

function rsaFault(bits: Uint8Array): string | undefined {
  const reader = new DerReader(readSingle(bits, "the RSA key", TAG.sequence).content);
  const modulus = unsignedOf(reader.read("the RSA key", TAG.integer), "the RSA key");
  const exponent = smallNumberOf(reader.read("the RSA key", TAG.integer), "the exponent of the RSA key");
  reader.end("the RSA key");
  const length = modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (length < SHORTEST_RSA) return `uses an RSA key of ${length} bits, expected at least ${SHORTEST_RSA}`;
  if (length > LONGEST_RSA) return `uses an RSA key of ${length} bits, expected at most ${LONGEST_RSA}`;
  return exponent < 3 || exponent % 2 === 0 ? "uses an RSA key with a useless exponent" : undefined;
}

/** How something was signed (AlgorithmIdentifier, RFC 5280 section 4.1.1.2). */
export type SignatureAlgorithm =
  | { readonly kind: "RSA" | "ECDSA"; readonly hash: string }
  | { readonly kind: "RSA-PSS"; readonly hash: string; readonly saltLength: number }
  | { readonly kind: "Ed25519" }
  /** `fault`: "is signed with SHA-1, which is not safe". */
  | { readonly kind: "unusable"; readonly fault: string };

const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  "1.2.840.113549.1.1.11": { kind: "RSA", hash: "sha256" },
  "1.2.840.113549.1.1.12": { kind: "RSA", hash: "sha384" },
  "1.2.840.113549.1.1.13": { kind: "RSA", hash: "sha512" },
  "1.2.840.10045.4.3.2": { kind: "ECDSA", hash: "sha256" },
  "1.2.840.10045.4.3.3": { kind: "ECDSA", hash: "sha384" },
  "1.2.840.10045.4.3.4": { kind: "ECDSA", hash: "sha512" },
  "1.3.101.112": { kind: "Ed25519" },
};
const UNSAFE: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.2": "MD2",
  "1.2.840.113549.1.1.3": "MD4",
  "1.2.840.113549.1.1.4": "MD5",
  "1.2.840.113549.1.1.5": "SHA-1",
  "1.3.14.3.2.29": "SHA-1",
  "1.2.840.10045.4.1": "SHA-1",
  "1.2.840.10040.4.3": "SHA-1",
};
const HASHES: Readonly<Record<string, string>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** @throws {DerError} */
export function readSignatureAlgorithm(value: DerValue): SignatureAlgorithm {
  const what = "the signature algorithm";
  const reader = new DerReader(value.content);
  const identifier = objectIdentifierOf(reader.read(what, TAG.objectIdentifier), what);
  const parameters = reader.follows() ? reader.read(what) : undefined;
  reader.end(what);
  const unsafe = UNSAFE[identifier];
  if (unsafe !== undefined) return { kind: "unusable", fault: `is signed with ${unsafe}, which is not safe` };
  if (identifier === "1.2.840.113549.1.1.10") return readPss(parameters);
  const algorithm = ALGORITHMS[identifier];
  if (algorithm === undefined) {
    return { kind: "unusable", fault: `is signed with an algorithm that is not supported (${identifier})` };
  }
  const mayHaveNull = algorithm.kind === "RSA" && parameters?.tag === TAG.null &&
    parameters.content.length === 0;
  if (parameters !== undefined && !mayHaveNull) throw new DerError(`${what} has unexpected parameters`);
  return algorithm;
}

/** RSASSA-PSS-params (RFC 4055 section 3.1) with one hash for everything, as it is used everywhere. */
function readPss(parameters: DerValue | undefined): SignatureAlgorithm {
  const what = "the parameters of RSASSA-PSS";
  const fault =
    "is signed with RSASSA-PSS in a form that is not supported, expected SHA-256, SHA-384 or SHA-512";
  if (parameters === undefined) return { kind: "unusable", fault };
  const reader = new DerReader(readSingle(parameters.encoding, what, TAG.sequence).content);
  const hash = reader.follows(0xa0) ? readHash(reader.enter(what, 0xa0), what) : undefined;
  let maskHash: string | undefined;
  if (reader.follows(0xa1)) {
    const mask = reader.enter(what, 0xa1).enter(what);
    const isMgf1 = objectIdentifierOf(mask.read(what, TAG.objectIdentifier), what) === "1.2.840.113549.1.1.8";
    maskHash = isMgf1 ? readHash(mask, what) : undefined;
  }
  const saltLength = reader.follows(0xa2)
    ? smallNumberOf(reader.enter(what, 0xa2).read(what, TAG.integer), what)
    : 20;
  if (reader.follows() || hash === undefined || hash !== maskHash || saltLength > 64) {
    return { kind: "unusable", fault };
  }
  return { kind: "RSA-PSS", hash, saltLength };
}

function readHash(reader: DerReader, what: string): string | undefined {
  return HASHES[objectIdentifierOf(reader.enter(what).read(what, TAG.objectIdentifier), what)];
}

/** Bytes, and the signature over them. */
export interface Signed {
  readonly signedBytes: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

const keyObjects = new WeakMap<PublicKey, KeyObject>();

/** Whether the signature is that of the key. Never throws: what cannot be checked is not signed. */
export function isSignedWith(signed: Signed, key: PublicKey): boolean {
  const algorithm = signed.signatureAlgorithm;
  const wanted = algorithm.kind === "RSA-PSS" ? "RSA" : algorithm.kind;
  if (key.kind !== wanted) return false;
  try {
    let keyObject = keyObjects.get(key);
    if (keyObject === undefined) {
      keyObject = createPublicKey({ key: key.encoding as Buffer, format: "der", type: "spki" });
      keyObjects.set(key, keyObject);
    }
    const hash = "hash" in algorithm ? algorithm.hash : null;
    const options = algorithm.kind === "RSA-PSS"
      ? { key: keyObject, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength }
      : keyObject;
    return verify(hash, signed.signedBytes, options, signed.signature);
  } catch {
    return false;
  }
}
