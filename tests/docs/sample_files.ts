/** Stands in for the files that configurations in the documents name: certificates, keys, hashes, made on the fly. */
import { issueCertificate } from "../harness/certificates.ts";

const PASSWORD_HASH =
  "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const TOKEN_KEY = btoa("0123456789abcdef0123456789abcdef");

/** Only what stands at its start is looked at when it is read. */
const DER_CRL = Uint8Array.of(0x30, 0x00);

const leaf = issueCertificate({ commonName: "sample" });
const authority = issueCertificate({ commonName: "Sample CA", isAuthority: true });

/** Content for a path by the ending of its name, as the configuration reads files. */
export function readSampleFile(path: string): Uint8Array {
  const content = sampleOf(path.slice(path.lastIndexOf("/") + 1));
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

function sampleOf(name: string): string | Uint8Array {
  if (/token.*\.key$/.test(name)) return TOKEN_KEY;
  if (/\.key$|private-key/.test(name)) return leaf.keyPem;
  if (/\bca(-bundle)?\.pem$/.test(name)) return authority.certificatePem;
  if (name.endsWith(".pem")) return leaf.certificatePem;
  if (name.endsWith(".crl")) return DER_CRL;
  if (name.endsWith(".hash")) return PASSWORD_HASH;
  if (/\.(token|password)$/.test(name)) return "secret";
  throw new Error(`no sample for a file called ${name}`);
}

/** Values for the environment variables that the documents name. */
export function readSampleVariable(name: string): string | undefined {
  return new Map([
    ["PORT", "5000"],
    ["TOKEN_KEY", TOKEN_KEY],
    ["WEBHOOK_TOKEN", "secret"],
    ["CREDENTIALS_DIRECTORY", "/run/credentials/simple-registry.service"],
  ]).get(name);
}
