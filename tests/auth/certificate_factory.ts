/**
 * Makes CAs, intermediates and client certificates on the fly, with any oddity, as DER and PEM.
 *
 *     const root = makeAuthority({ subject: "Root" });
 *     const middle = makeAuthority({ subject: "Middle", issuer: root });
 *     const alice = makeClient(middle, { subject: [["O", "ops"], ["CN", "alice"]] });
 *     alice.pem + middle.pem   // what a client puts into its certificate file
 *     root.pem                 // what the server puts into client_ca_bundle
 *     makeRevocationList({ issuer: middle, revoked: [alice] }).pem   // revocation_list_factory.ts
 *
 * Without a word a certificate is a version 3 one with a P-256 key, valid from yesterday for thirty days.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  der,
  derBitString,
  derBoolean,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derTime,
} from "../harness/der.ts";
import {
  type KeyKind,
  type KeyPair,
  makeKeyPair,
  signatureAlgorithm,
  type SignatureHash,
  signatureOver,
  usualHash,
} from "./key_factory.ts";
import { type AlternativeName, encodeAlternativeName, encodeName, type NameRecipe } from "./name_recipe.ts";

/** A certificate and the key that belongs to it. */
export interface MadeCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly key: KeyPair;
  /** PKCS #8 text of the private key. */
  readonly keyPem: string;
  /** The encoded subject, which is the issuer name of whatever this certificate signs. */
  readonly subject: Uint8Array;
  /** The encoded name of the issuer. */
  readonly issuerName: Uint8Array;
  /** Big-endian bytes. */
  readonly serial: Uint8Array;
}

export interface CertificateRecipe {
  readonly subject?: NameRecipe;
  /** Who signs; without one the certificate signs itself. */
  readonly issuer?: MadeCertificate;
  /** Another issuer name than that of `issuer`. */
  readonly issuerName?: NameRecipe;
  /** A kind to make a new key of, or a key to use again. */
  readonly key?: KeyKind | KeyPair;
  readonly serial?: Uint8Array;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** A version 1 certificate is made without extensions, whatever else is asked for. */
  readonly version?: 1 | 2 | 3;
  readonly signatureHash?: SignatureHash;
  /** The AlgorithmIdentifier that the certificate claims, where it is not the truth. */
  readonly claimedAlgorithm?: Uint8Array;
  /** The one of the signed part, where it differs from the one beside the signature. */
  readonly innerAlgorithm?: Uint8Array;
  /** "none" leaves the extension out. */
  readonly basicConstraints?: { readonly authority: boolean; readonly pathLength?: number } | "none";
  /** Bits by number (0 digitalSignature, 5 keyCertSign, 6 cRLSign); "none" leaves the extension out. */
  readonly keyUsage?: readonly number[] | "none";
  /** "clientAuth", "serverAuth", "any" or dotted identifiers; without any there is no such extension. */
  readonly purposes?: readonly string[];
  readonly alternativeNames?: readonly AlternativeName[];
  readonly permitted?: readonly AlternativeName[];
  readonly excluded?: readonly AlternativeName[];
  /** Lets the authority key identifier tell name and serial of the issuer, as `openssl` does with `issuer:always`. */
  readonly identifyIssuerByName?: boolean;
  /** More extensions, as they are. */
  readonly extensions?: readonly ExtensionRecipe[];
}

export interface ExtensionRecipe {
  readonly identifier: string;
  readonly critical?: boolean;
  /** The encoded value, without its OCTET STRING. */
  readonly value: Uint8Array;
}

export const DAY_MS = 24 * 60 * 60 * 1000;

/** A CA: a root, or with an `issuer` an intermediate. */
export function makeAuthority(recipe: CertificateRecipe = {}): MadeCertificate {
  return makeCertificate({
    subject: "Test CA",
    basicConstraints: { authority: true },
    keyUsage: [5, 6],
    ...recipe,
  });
}

/** A certificate for client authentication. */
export function makeClient(issuer: MadeCertificate, recipe: CertificateRecipe = {}): MadeCertificate {
  return makeCertificate({ subject: "alice", issuer, keyUsage: [0], purposes: ["clientAuth"], ...recipe });
}

/** Exactly what the recipe says. */
export function makeCertificate(recipe: CertificateRecipe): MadeCertificate {
  const key = typeof recipe.key === "object" ? recipe.key : makeKeyPair(recipe.key ?? "P-256");
  const signer = recipe.issuer?.key ?? key;
  const hash = recipe.signatureHash ?? usualHash(signer);
  const algorithm = recipe.claimedAlgorithm ?? signatureAlgorithm(signer, hash);
  const subject = encodeName(recipe.subject ?? "alice");
  const issuerName = recipe.issuerName === undefined
    ? recipe.issuer?.subject ?? subject
    : encodeName(recipe.issuerName);
  const serial = recipe.serial ?? Uint8Array.of(0x4f, ...randomBytes(15));
  const version = recipe.version ?? 3;
  const signedPart = derSequence(
    ...(version === 1 ? [] : [der(0xa0, derInteger(Uint8Array.of(version - 1)))]),
    derInteger(serial),
    recipe.innerAlgorithm ?? algorithm,
    issuerName,
    derSequence(
      derTime(recipe.notBefore ?? new Date(Date.now() - DAY_MS)),
      derTime(recipe.notAfter ?? new Date(Date.now() + 30 * DAY_MS)),
    ),
    subject,
    key.publicKey,
    ...(version === 3 ? [der(0xa3, derSequence(...extensionsOf(recipe, key).map(encodeExtension)))] : []),
  );
  const encoding = derSequence(signedPart, algorithm, signatureOver(signedPart, signer, hash));
  return {
    der: encoding,
    pem: toPem("CERTIFICATE", encoding),
    key,
    keyPem: key.privateKeyPem,
    subject,
    issuerName,
    serial,
  };
}

const PURPOSES: Readonly<Record<string, string>> = {
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  any: "2.5.29.37.0",
};

function extensionsOf(recipe: CertificateRecipe, key: KeyPair): ExtensionRecipe[] {
  const { basicConstraints = { authority: false }, keyUsage = "none", issuer } = recipe;
  const extensions: ExtensionRecipe[] = [];
  if (basicConstraints !== "none") {
    const { authority, pathLength } = basicConstraints;
    const value = derSequence(
      ...(authority ? [derBoolean(true)] : []),
      ...(pathLength === undefined ? [] : [derInteger(Uint8Array.of(pathLength))]),
    );
    extensions.push({ identifier: "2.5.29.19", critical: true, value });
  }
  if (keyUsage !== "none") {
    extensions.push({ identifier: "2.5.29.15", critical: true, value: encodeBits(keyUsage) });
  }
  extensions.push({ identifier: "2.5.29.14", value: derOctetString(keyIdentifier(key)) });
  if (issuer !== undefined) {
    const byName = recipe.identifyIssuerByName
      ? [der(0xa1, der(0xa4, issuer.issuerName)), der(0x82, Uint8Array.of(0, ...issuer.serial))]
      : [];
    const value = derSequence(der(0x80, keyIdentifier(issuer.key)), ...byName);
    extensions.push({ identifier: "2.5.29.35", value });
  }
  if (recipe.purposes !== undefined) {
    const purposes = recipe.purposes.map((purpose) => derObjectIdentifier(PURPOSES[purpose] ?? purpose));
    extensions.push({ identifier: "2.5.29.37", value: derSequence(...purposes) });
  }
  if (recipe.alternativeNames !== undefined) {
    const value = derSequence(...recipe.alternativeNames.map(encodeAlternativeName));
    extensions.push({ identifier: "2.5.29.17", value });
  }
  if (recipe.permitted !== undefined || recipe.excluded !== undefined) {
    const subtrees = (tag: number, names: readonly AlternativeName[] | undefined) =>
      names === undefined ? [] : [der(tag, ...names.map((name) => derSequence(encodeAlternativeName(name))))];
    const value = derSequence(...subtrees(0xa0, recipe.permitted), ...subtrees(0xa1, recipe.excluded));
    extensions.push({ identifier: "2.5.29.30", critical: true, value });
  }
  return [...extensions, ...recipe.extensions ?? []];
}

/** One extension of a certificate, of a revocation list or of one of its entries. */
export function encodeExtension({ identifier, critical = false, value }: ExtensionRecipe): Uint8Array {
  return derSequence(
    derObjectIdentifier(identifier),
    ...(critical ? [derBoolean(true)] : []),
    derOctetString(value),
  );
}

function encodeBits(bits: readonly number[]): Uint8Array {
  const highest = Math.max(-1, ...bits);
  const bytes = new Uint8Array(Math.ceil((highest + 1) / 8));
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return derBitString(bytes, bytes.length * 8 - highest - 1);
}

function keyIdentifier(key: KeyPair): Uint8Array {
  return new Uint8Array(createHash("sha1").update(key.publicKey).digest());
}

/** RFC 7468. */
export function toPem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
