/** Parses an X.509 certificate (RFC 5280 section 4.1). Says what it holds, judges nothing. */
import { hash } from "node:crypto";
import { DerError, DerReader, readSingle, TAG } from "./der_reader.ts";
import { bitStringBytesOf, serialOf, smallNumberOf, timeOf } from "./der_values.ts";
import { type DistinguishedName, readName } from "./distinguished_name.ts";
import { type PublicKey, readPublicKey, readSignatureAlgorithm, type Signed } from "./public_key.ts";
import { type CertificateExtensions, readExtensionList, readExtensions } from "./x509_extensions.ts";

export interface Certificate extends Signed {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, lower-case hexadecimal: the same certificate or not. */
  readonly fingerprint: string;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Lower-case hexadecimal without leading zeros. */
  readonly serial: string;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** First and last moment of validity, ms since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  readonly extensions: CertificateExtensions;
}

/** SHA-256 of the bytes in lower-case hexadecimal. */
export function fingerprintOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/** @throws {DerError} when the bytes are not one certificate in strict DER */
export function readCertificate(der: Uint8Array): Certificate {
  const reader = new DerReader(readSingle(der, "the certificate", TAG.sequence).content);
  const signedPart = reader.read("the certificate", TAG.sequence);
  const outerAlgorithm = reader.read("the signature algorithm", TAG.sequence);
  const signature = bitStringBytesOf(reader.read("the signature", TAG.bitString), "the signature");
  reader.end("the certificate");

  const fields = new DerReader(signedPart.content);
  const version = readVersion(fields);
  const serial = serialOf(fields.read("the serial number", TAG.integer), "the serial number");
  const innerAlgorithm = fields.read("the signature algorithm", TAG.sequence);
  if (innerAlgorithm.encoding.toHex() !== outerAlgorithm.encoding.toHex()) {
    throw new DerError("the certificate names two signature algorithms");
  }
  const issuer = readName(fields.read("the issuer", TAG.sequence), "the issuer");
  const validity = fields.enter("the validity");
  const notBefore = timeOf(validity.read("the validity"), "the start of the validity");
  const notAfter = timeOf(validity.read("the validity"), "the end of the validity");
  validity.end("the validity");
  const subject = readName(fields.read("the subject", TAG.sequence), "the subject");
  const publicKey = readPublicKey(fields.read("the public key", TAG.sequence));
  const extensions = readCertificateExtensions(fields);
  fields.end("the certificate");

  return {
    der,
    fingerprint: fingerprintOf(der),
    version,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    extensions,
    signedBytes: signedPart.encoding,
    signatureAlgorithm: readSignatureAlgorithm(outerAlgorithm),
    signature,
  };
}

/** Whether a certificate names itself as its issuer. */
export function isSelfIssued(certificate: Certificate): boolean {
  return certificate.issuer.key === certificate.subject.key;
}

function readVersion(fields: DerReader): number {
  if (!fields.follows(0xa0)) return 1;
  const inner = fields.enter("the version", 0xa0);
  const version = smallNumberOf(inner.read("the version", TAG.integer), "the version") + 1;
  inner.end("the version");
  if (version > 3) throw new DerError(`the certificate has the unknown version ${version}`);
  return version;
}

function readCertificateExtensions(fields: DerReader): CertificateExtensions {
  // Unique identifiers of issuer and subject: no CA writes them, and names that are told apart by them are not names.
  if (fields.follows(0x81) || fields.follows(0x82)) {
    throw new DerError("the certificate has unique identifiers");
  }
  if (!fields.follows(0xa3)) return readExtensions([]);
  const outer = fields.enter("the extensions", 0xa3);
  const list = outer.enter("the extensions");
  outer.end("the extensions");
  return readExtensions(readExtensionList(list, "the certificate"));
}
