/** Whose an upload session is: the identity that opened it, as a text to keep and to compare. */
import type { Identity } from "./identity.ts";

/**
 * The same text for each request of one user or of one certificate's subject, also after the certificate was renewed in
 * the middle of an upload, unless it names nobody but an organization; "" for everybody of whom only the address is known.
 */
export function uploadOwnerOf({ username, certificate }: Identity): string {
  if (username !== "") return `user ${username}`;
  if (certificate === undefined) return "";
  const { issuerCommonNames, commonNames, organizations, organizationalUnits, dnsNames, emails, uris } =
    certificate;
  const names = [issuerCommonNames, commonNames, organizations, organizationalUnits, dnsNames, emails, uris];
  // What names its owner alone stands in attributes that nobody reads here: then it is this certificate and no other.
  const isNameless = [commonNames, dnsNames, emails, uris].every(({ length }) => length === 0);
  if (isNameless) names.push([certificate.fingerprint]);
  // As JSON, so that no name can be written to look like two.
  return `certificate ${JSON.stringify(names)}`;
}
