/** The answer to the question whether a client certificate is acceptable. */
import type { CertificateFacts } from "../core/identity.ts";
import { DerError } from "./der_reader.ts";
import { formatName } from "./distinguished_name.ts";
import { type Certificate, fingerprintOf } from "./x509_certificate.ts";

/** Why a certificate was refused, in one word for metrics. */
export type RefusalCode =
  | "malformed"
  | "too_large"
  | "version"
  | "not_a_leaf"
  | "not_yet_valid"
  | "expired"
  | "wrong_purpose"
  | "unsupported"
  | "ambiguous_name"
  | "unknown_issuer"
  | "missing_intermediate"
  | "bad_signature"
  | "invalid_path"
  | "revoked"
  | "crl_missing"
  | "crl_expired"
  /** A fault of our own: the cause is for the log. */
  | "fault";

export type CertificateVerdict = AcceptedCertificate | RefusedCertificate;

export interface AcceptedCertificate {
  readonly accepted: true;
  readonly facts: CertificateFacts;
  /** Last moment (ms since the epoch) for which this holds: then a certificate or a revocation list of the path ends. */
  readonly validUntil: number;
}

/** All texts are printable ASCII of bounded length, whatever the certificate holds. */
export interface RefusedCertificate {
  readonly accepted: false;
  readonly code: RefusalCode;
  /** A sentence for the client: "client certificate refused: expired on 2026-01-01 00:00:00 UTC". */
  readonly reason: string;
  /** Names as in RFC 4514, "" where the certificate cannot be read. */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, "" where the certificate cannot be read. */
  readonly serial: string;
  /** SHA-256 of the DER, hexadecimal. */
  readonly fingerprint: string;
  /** Only with the code "fault". */
  readonly cause?: unknown;
}

/** Thrown inside of the verification by the rule that refuses; becomes a {@linkcode RefusedCertificate}. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, why: string) {
    super(why);
    this.code = code;
  }
}

/** The verdict for whatever stopped the verification of a leaf. A fault of our own refuses, too. */
export function refuse(
  fault: unknown,
  der: Uint8Array | undefined,
  leaf: Certificate | undefined,
): RefusedCertificate {
  const [code, why] = explain(fault);
  return {
    accepted: false,
    code,
    reason: `client certificate refused: ${why}`,
    subject: leaf === undefined ? "" : formatName(leaf.subject),
    issuer: leaf === undefined ? "" : formatName(leaf.issuer),
    serial: leaf?.serial ?? "",
    fingerprint: der === undefined ? "" : fingerprintOf(der),
    ...(code === "fault" ? { cause: fault } : {}),
  };
}

function explain(fault: unknown): [code: RefusalCode, why: string] {
  if (fault instanceof Refusal) return [fault.code, fault.message];
  if (fault instanceof DerError) return ["malformed", `cannot be read: ${fault.message}`];
  return ["fault", "the registry failed to verify it"];
}

/** "2026-01-01 00:00:00 UTC" */
export function formatTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ") + " UTC";
}
