/** Checks that PEM texts hold certificates and the private key that belongs to the first. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What a PEM file held, and its PEM text without anything that stood around or between the blocks. */
export interface PemContent<T> {
  readonly text: string;
  readonly content: T;
}

/** The certificates of a PEM bundle, or a sentence that says why it cannot be used. */
export function readCertificates(pem: string): PemContent<X509Certificate[]> | { fault: string } {
  const count = pem.split("-----BEGIN CERTIFICATE-----").length - 1;
  if (count === 0) return { fault: lackOf("CERTIFICATE", pem) };
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length < count) return { fault: "holds a certificate whose PEM block does not end" };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { fault: `holds a damaged certificate, number ${index + 1} of ${count}` };
    }
  }
  return { text: blocks.join("\n") + "\n", content: certificates };
}

/** That a file lacks a block, and what it is instead: mostly two files were mixed up, or it comes from a tool that writes no PEM. */
function lackOf(label: string, text: string): string {
  const lack = `holds no PEM block ${label}`;
  const others = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, other]) => other);
  if (others.length > 0) return `${lack}, only ${[...new Set(others)].join(", ")}`;
  // A SEQUENCE of more than 127 bytes; read as UTF-8, its length is none.
  return text.startsWith("0\ufffd")
    ? `${lack}: it is in DER or PKCS #12; make PEM of it with "openssl x509", "pkey" or "pkcs12"`
    : lack;
}

/** The private key of a PEM file, or a sentence that says why it cannot be used. */
export function readPrivateKey(pem: string): PemContent<KeyObject> | { fault: string } {
  const heads = [...pem.matchAll(/-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----/g)];
  const [head] = heads;
  if (head === undefined) return { fault: lackOf("PRIVATE KEY", pem) };
  if (heads.length > 1) return { fault: `holds ${heads.length} private keys, expected exactly one` };
  const [begin, label] = head;
  const end = `-----END ${label}-----`;
  const endsAt = pem.indexOf(end, head.index);
  if (endsAt < 0) return { fault: "holds a private key whose PEM block does not end" };
  const block = pem.slice(head.index, endsAt + end.length);
  // Asked before the key is read: reading an encrypted one would prompt for its passphrase.
  if (label === "ENCRYPTED PRIVATE KEY" || block.slice(begin.length).trimStart().startsWith("Proc-Type:")) {
    return { fault: 'holds an encrypted key; decrypt it with "openssl pkey -in KEY -out NEW_KEY"' };
  }
  try {
    const key = createPrivateKey(block);
    const fault = keyKindFault(key);
    return fault === undefined ? { text: block + "\n", content: key } : { fault };
  } catch {
    return { fault: "holds a damaged private key, or one of an unknown kind" };
  }
}

/** A handshake with a key of another kind fails for every client, with "unsupported protocol" and no other hint. */
function keyKindFault(key: KeyObject): string | undefined {
  const kind = key.asymmetricKeyType;
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  if (kind === "ed25519" || (kind === "rsa" && modulusLength >= 2048)) return undefined;
  if (kind === "ec" && ["prime256v1", "secp384r1", "secp521r1"].includes(namedCurve)) return undefined;
  const shown = kind === "ec"
    ? `ec on ${namedCurve}`
    : kind === "rsa"
    ? `rsa of ${modulusLength} bits`
    : kind;
  return `holds a key of the kind ${shown}; expected RSA of at least 2048 bits, ECDSA on P-256, P-384 or P-521, or Ed25519`;
}

/** Why the key does not belong to the first certificate of the bundle, undefined when it does. */
export function keyPairFault(
  certificates: readonly X509Certificate[],
  key: KeyObject,
  bundleKey: string,
): string | undefined {
  const fitting = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (fitting === 0) return undefined;
  return fitting < 0
    ? `is not the key of the certificate in ${bundleKey}`
    : `belongs to certificate number ${fitting + 1} of ${bundleKey}; put that certificate first`;
}

/** Sentences about certificates outside their dates, which is no reason not to start. `outcome` says what comes of it. */
export function dateWarnings(
  certificates: readonly X509Certificate[],
  file: string,
  now: Date,
  outcome: string,
): string[] {
  return certificates.flatMap((certificate, index) => {
    const which = `Certificate number ${index + 1} of ${file}`;
    const from = new Date(certificate.validFrom);
    const to = new Date(certificate.validTo);
    if (now > to) return [`${which} expired on ${to.toISOString()}: ${outcome}`];
    if (now < from) return [`${which} is valid only from ${from.toISOString()} on: ${outcome}`];
    return [];
  });
}
