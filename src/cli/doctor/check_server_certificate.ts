/** Looks at the certificate that the server shows: dates, names, purpose, the chain behind it, who can read its key. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { formatTime } from "../../auth/certificate_verdict.ts";
import { readPemBlocks } from "../../auth/pem_blocks.ts";
import { readCertificate } from "../../auth/x509_certificate.ts";
import { PURPOSE } from "../../auth/x509_extensions.ts";
import type { TlsSettings } from "../../config/settings.ts";
import { checkTls, UnsafeTls } from "../../server/tls_self_check.ts";
import { findingOfValidity } from "./check_validity.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";

const CHECK = "server certificate";

/** Read by everybody on the machine (mode bits of others). */
const FOR_OTHERS = 0o007;

/** @param hosts where URLs of the configuration send clients */
export async function checkServerCertificate(
  tls: TlsSettings,
  hosts: readonly string[],
  now: number,
): Promise<readonly Finding[]> {
  const chain = readPemBlocks(tls.certificate).blocks.map(({ der }) => new X509Certificate(der));
  const [leaf] = chain as [X509Certificate, ...X509Certificate[]];
  const findings = [
    ...datesOf(chain, tls, now),
    ...namesOf(leaf, hosts),
    ...purposeOf(leaf),
    ...orderOf(chain, tls),
    ...keyFileOf(tls),
  ];
  if (!findings.some(({ level }) => level === "problem")) findings.push(...await handshakeOf(tls));
  if (findings.length > 0) return findings;
  const last = chain.at(-1)!;
  const trust = last.checkIssued(last) ? last.subject : last.issuer;
  return [
    well(
      CHECK,
      `${leaf.subjectAltName}, until ${
        formatTime(leaf.validToDate.getTime())
      }; clients must trust "${trust}"`,
    ),
  ];
}

function datesOf(chain: readonly X509Certificate[], tls: TlsSettings, now: number): Finding[] {
  return chain.flatMap((certificate, index) => {
    const finding = findingOfValidity(CHECK, {
      what: `certificate number ${index + 1} of ${tls.certificateFile}`,
      from: certificate.validFromDate.getTime(),
      to: certificate.validToDate.getTime(),
      renewal: "Put a new one in its place; a running server takes it with SIGHUP",
    }, now);
    return finding === undefined ? [] : [finding];
  });
}

function namesOf(leaf: X509Certificate, hosts: readonly string[]): Finding[] {
  if (leaf.subjectAltName === undefined) {
    return [
      wrong(
        CHECK,
        "it has no subject alternative name, and clients do not look at the common name",
        'Issue it with the names that clients use, such as "subjectAltName=DNS:registry.example.com"',
      ),
    ];
  }
  const missing = hosts.filter((host) =>
    (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) === undefined
  );
  return [...new Set(missing)].map((host) =>
    wrong(CHECK, `it names ${leaf.subjectAltName}, and external_url or realm sends clients to ${host}`)
  );
}

function purposeOf(leaf: X509Certificate): Finding[] {
  const { extensions } = readCertificate(new Uint8Array(leaf.raw));
  const { purposes } = extensions;
  if (purposes === undefined || purposes.includes(PURPOSE.server) || purposes.includes(PURPOSE.any)) {
    return [];
  }
  return [
    wrong(
      CHECK,
      "it is not for servers (extendedKeyUsage lacks serverAuth)",
      "Issue it with extendedKeyUsage=serverAuth",
    ),
  ];
}

/** Clients build their path from what the server sends; some take it in this order only (RFC 5246 section 7.4.2). */
function orderOf(chain: readonly X509Certificate[], { certificateFile }: TlsSettings): Finding[] {
  const wrongAt = chain.findIndex((certificate, index) => {
    const next = chain[index + 1];
    return next !== undefined && !(certificate.checkIssued(next) && certificate.verify(next.publicKey));
  });
  if (wrongAt < 0) return [];
  return [
    wrong(
      CHECK,
      `certificate number ${wrongAt + 1} of ${certificateFile} was not issued by number ${wrongAt + 2}`,
      "Put the server's certificate first, then each time the CA that issued the one before",
    ),
  ];
}

function keyFileOf({ privateKeyFile }: TlsSettings): Finding[] {
  const { mode } = Deno.statSync(privateKeyFile);
  if (mode === null || (mode & FOR_OTHERS) === 0) return [];
  return [
    odd(CHECK, `everybody on this machine can read its key ${privateKeyFile}`, `chmod o= ${privateKeyFile}`),
  ];
}

async function handshakeOf(tls: TlsSettings): Promise<Finding[]> {
  try {
    await checkTls(tls);
    return [];
  } catch (error) {
    if (!(error instanceof UnsafeTls)) throw error;
    return [wrong(CHECK, error.message)];
  }
}
