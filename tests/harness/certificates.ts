/** Makes certificate authorities, server certificates and client certificates on the fly. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import {
  concatenate,
  der,
  derBitString,
  derBoolean,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
} from "./der.ts";

/** A certificate together with its private key (PKCS #8), both as PEM text and the certificate as DER too. */
export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly certificateDer: Uint8Array;
  readonly keyPem: string;
  /** The encoded subject, which is the issuer of whatever this certificate signs. */
  readonly subject: Uint8Array;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** The signer; without one the certificate signs itself. */
  readonly issuer?: IssuedCertificate;
  readonly isAuthority?: boolean;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly purposes?: readonly ("serverAuth" | "clientAuth")[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const ECDSA_WITH_SHA256 = derSequence(derObjectIdentifier("1.2.840.10045.4.3.2"));
const PURPOSE_IDENTIFIERS = { serverAuth: "1.3.6.1.5.5.7.3.1", clientAuth: "1.3.6.1.5.5.7.3.2" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Issues one certificate with a new P-256 key (RFC 5280). */
export function issueCertificate(request: CertificateRequest): IssuedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicKeyInfo = publicKey.export({ type: "spki", format: "der" });
  const subject = encodeName(request);
  const tbs = derSequence(
    der(0xa0, derInteger(Uint8Array.of(2))),
    derInteger(Uint8Array.of(1, ...randomBytes(15))),
    ECDSA_WITH_SHA256,
    request.issuer?.subject ?? subject,
    derSequence(
      derTime(request.notBefore ?? new Date(Date.now() - DAY_MS)),
      derTime(request.notAfter ?? new Date(Date.now() + 30 * DAY_MS)),
    ),
    subject,
    publicKeyInfo,
    der(0xa3, derSequence(...encodeExtensions(request, publicKeyInfo))),
  );
  const signature = sign("sha256", tbs, createPrivateKey(request.issuer?.keyPem ?? keyPem));
  const certificateDer = derSequence(tbs, ECDSA_WITH_SHA256, derBitString(signature));
  return { certificatePem: toPem("CERTIFICATE", certificateDer), certificateDer, keyPem, subject };
}

function encodeName(request: CertificateRequest): Uint8Array {
  const attribute = (identifier: string, value: string) =>
    derSet(derSequence(derObjectIdentifier(identifier), derUtf8String(value)));
  return derSequence(
    ...(request.organizations ?? []).map((organization) => attribute("2.5.4.10", organization)),
    attribute("2.5.4.3", request.commonName),
  );
}

function encodeExtensions(request: CertificateRequest, publicKeyInfo: Uint8Array): Uint8Array[] {
  const extension = (identifier: string, critical: boolean, value: Uint8Array) =>
    derSequence(
      derObjectIdentifier(identifier),
      ...(critical ? [derBoolean(true)] : []),
      derOctetString(value),
    );
  const isAuthority = request.isAuthority ?? false;
  const extensions = [
    extension("2.5.29.19", true, derSequence(...(isAuthority ? [derBoolean(true)] : []))),
    // keyCertSign + cRLSign for an authority, digitalSignature for a leaf
    extension(
      "2.5.29.15",
      true,
      isAuthority ? derBitString(Uint8Array.of(0x06), 1) : derBitString(Uint8Array.of(0x80), 7),
    ),
    extension("2.5.29.14", false, derOctetString(keyIdentifier(publicKeyInfo))),
  ];
  if (request.issuer !== undefined) {
    const issuerKey = createPublicKey(request.issuer.keyPem).export({ type: "spki", format: "der" });
    extensions.push(extension("2.5.29.35", false, derSequence(der(0x80, keyIdentifier(issuerKey)))));
  }
  if (request.purposes !== undefined) {
    const purposes = request.purposes.map((purpose) => derObjectIdentifier(PURPOSE_IDENTIFIERS[purpose]));
    extensions.push(extension("2.5.29.37", false, derSequence(...purposes)));
  }
  const encoder = new TextEncoder();
  const names = [
    ...(request.dnsNames ?? []).map((name) => der(0x82, encoder.encode(name))),
    ...(request.ipAddresses ?? []).map((address) =>
      der(0x87, Uint8Array.from(address.split(".").map(Number)))
    ),
  ];
  if (names.length > 0) extensions.push(extension("2.5.29.17", false, derSequence(...names)));
  return extensions;
}

/** Any value that is the same for the same key will do as identifier; the last 20 bytes of a P-256 key are. */
function keyIdentifier(publicKeyInfo: Uint8Array): Uint8Array {
  return concatenate([publicKeyInfo.subarray(publicKeyInfo.length - 20)]);
}

function toPem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The name that the server certificate of the tests carries beside localhost and 127.0.0.1. */
export const REGISTRY_NAME = "registry.test";

/** The files that a TLS server and its clients need. */
export interface ServerCertificateFiles {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caPem: string;
}

/** Writes a new authority and a server certificate of it for 127.0.0.1, localhost and REGISTRY_NAME into `directory`. */
export async function writeServerCertificate(directory: string): Promise<ServerCertificateFiles> {
  const ca = issueCertificate({ commonName: "Test Root CA", isAuthority: true });
  const server = issueCertificate({
    commonName: "localhost",
    issuer: ca,
    dnsNames: ["localhost", REGISTRY_NAME],
    ipAddresses: ["127.0.0.1"],
    purposes: ["serverAuth"],
  });
  const files = {
    caFile: `${directory}/ca.crt`,
    certificateFile: `${directory}/server.crt`,
    keyFile: `${directory}/server.key`,
    caPem: ca.certificatePem,
  };
  await Deno.writeTextFile(files.caFile, ca.certificatePem);
  await Deno.writeTextFile(files.certificateFile, server.certificatePem);
  await Deno.writeTextFile(files.keyFile, server.keyPem, { mode: 0o600 });
  return files;
}
