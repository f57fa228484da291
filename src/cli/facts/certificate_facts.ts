/** When the configured certificates and revocation lists end, so that somebody is warned before. */
import { X509Certificate } from "node:crypto";
import { revocationListsIn } from "../../auth/load_revocation_lists.ts";
import { readPemBlocks } from "../../auth/pem_blocks.ts";
import { readRevocationList } from "../../auth/revocation_list.ts";
import { readCertificate } from "../../auth/x509_certificate.ts";
import type { TlsSettings } from "../../config/settings.ts";
import type { Metrics } from "../../ports/metrics.ts";

type Kind = "server" | "client_ca" | "client_crl";

/** Sets the gauges for settings that are in force. They were checked, so everything in them can be read. */
export async function showExpiry(metrics: Metrics, tls: TlsSettings | undefined): Promise<void> {
  if (tls === undefined) return;
  const show = (kind: Kind, times: readonly number[]): void => {
    if (times.length === 0) return;
    metrics.gauge("certificate_expiry_timestamp_seconds", { kind }).set(Math.min(...times) / 1000);
  };
  show("server", [new X509Certificate(tls.certificate).validToDate.getTime()]);
  if (tls.clientAuth === undefined) return;
  const authorities = readPemBlocks(tls.clientAuth.caBundle).blocks;
  show("client_ca", authorities.map(({ der }) => readCertificate(der).notAfter));
  show("client_crl", await updateTimesOf(tls.clientAuth.crls));
}

async function updateTimesOf(files: readonly Uint8Array[]): Promise<number[]> {
  const times: number[] = [];
  for (const { der } of files.flatMap((file) => revocationListsIn(file, "", []))) {
    times.push((await readRevocationList(der)).nextUpdate);
  }
  return times;
}
