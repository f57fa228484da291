/** Makes certificate revocation lists on the fly, good ones and odd ones. */
import { concatenate, der, derInteger, derSequence, derTime } from "../harness/der.ts";
import {
  DAY_MS,
  encodeExtension,
  type ExtensionRecipe,
  type MadeCertificate,
  toPem,
} from "./certificate_factory.ts";
import {
  type KeyPair,
  signatureAlgorithm,
  type SignatureHash,
  signatureOver,
  usualHash,
} from "./key_factory.ts";
import { encodeName, type NameRecipe } from "./name_recipe.ts";

export interface RevocationListRecipe {
  readonly issuer: MadeCertificate;
  /** Certificates, or serial numbers with or without extensions of their entry. */
  readonly revoked?: readonly (MadeCertificate | RevokedEntry)[];
  /** Another name than that of `issuer`. */
  readonly issuerName?: NameRecipe;
  /** Another key than that of `issuer`. */
  readonly key?: KeyPair;
  readonly thisUpdate?: Date;
  /** "none" leaves it out. */
  readonly nextUpdate?: Date | "none";
  readonly signatureHash?: SignatureHash;
  /** Extensions of the list; without any the list is a version 1 one. */
  readonly extensions?: readonly ExtensionRecipe[];
}

export interface RevokedEntry {
  readonly serial: Uint8Array;
  readonly extensions?: readonly ExtensionRecipe[];
}

/** The reason code of an entry (RFC 5280 section 5.3.1), such as 8 for removeFromCRL. */
export function reasonCode(reason: number): ExtensionRecipe {
  return { identifier: "2.5.29.21", value: der(0x0a, Uint8Array.of(reason)) };
}

/** Made an hour ago and valid for a day, unless the recipe says otherwise. */
export function makeRevocationList(recipe: RevocationListRecipe): { der: Uint8Array; pem: string } {
  const key = recipe.key ?? recipe.issuer.key;
  const hash = recipe.signatureHash ?? usualHash(key);
  const algorithm = signatureAlgorithm(key, hash);
  const { revoked = [], extensions = [], nextUpdate = new Date(Date.now() + DAY_MS) } = recipe;
  const date = derTime(new Date(Date.now() - DAY_MS));
  const entries = revoked.map((entry) =>
    derSequence(
      derInteger(entry.serial),
      date,
      ...("extensions" in entry && entry.extensions !== undefined
        ? [derSequence(...entry.extensions.map(encodeExtension))]
        : []),
    )
  );
  const signedPart = derSequence(
    ...(extensions.length > 0 ? [derInteger(Uint8Array.of(1))] : []),
    algorithm,
    recipe.issuerName === undefined ? recipe.issuer.subject : encodeName(recipe.issuerName),
    derTime(recipe.thisUpdate ?? new Date(Date.now() - DAY_MS / 24)),
    ...(nextUpdate === "none" ? [] : [derTime(nextUpdate)]),
    ...(entries.length > 0 ? [derSequence(concatenate(entries))] : []),
    ...(extensions.length > 0 ? [der(0xa0, derSequence(...extensions.map(encodeExtension)))] : []),
  );
  const encoding = derSequence(signedPart, algorithm, signatureOver(signedPart, key, hash));
  return { der: encoding, pem: toPem("X509 CRL", encoding) };
}
