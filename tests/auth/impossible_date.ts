/** Certificates with a date that does not exist: the runtime's handshake takes them, and its reader does not. */
import { type MadeCertificate, toPem } from "./certificate_factory.ts";

const UTC_TIME = 0x17;

/** The same certificate with "99" for the month in which its validity begins; no signature holds for it any more. */
export function withImpossibleDate(certificate: MadeCertificate): MadeCertificate {
  const der = new Uint8Array(certificate.der);
  const at = der.findIndex((byte, i) => byte === UTC_TIME && der[i + 1] === 13 && der[i + 14] === 0x5a);
  der.set([0x39, 0x39], at + 4);
  return { ...certificate, der, pem: toPem("CERTIFICATE", der) };
}
