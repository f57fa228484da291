/** Reads the files that `[server.tls]` names. */
import {
  dateWarnings,
  keyPairFault,
  type PemContent,
  readCertificates,
  readPrivateKey,
} from "./check_key_pair.ts";
import { type Problem, problemAt } from "./config_error.ts";
import { findEntry, type TableNode } from "./document.ts";
import type { TLS } from "./schema.ts";
import type { ValuesOf } from "./schema_item.ts";
import type { TlsSettings } from "./settings.ts";

export interface TlsReading {
  readonly document: TableNode;
  readonly readFile: (path: string) => string;
  readonly now: Date;
  readonly problems: Problem[];
  readonly warnings: string[];
}

type FileKey = "server_certificate_bundle" | "server_private_key";

/** Certificate and key with their texts, undefined when a problem was noted. */
export function readTls(values: ValuesOf<typeof TLS>, reading: TlsReading): TlsSettings | undefined {
  const certificateFile = values.server_certificate_bundle;
  const privateKeyFile = values.server_private_key;
  const certificate = readPem("server_certificate_bundle", certificateFile, readCertificates, reading);
  const privateKey = readPem("server_private_key", privateKeyFile, readPrivateKey, reading);
  if (certificateFile === undefined || certificate === undefined) return undefined;
  reading.warnings.push(...dateWarnings(certificate.content, certificateFile, reading.now));
  if (privateKeyFile === undefined || privateKey === undefined) return undefined;

  const fault = keyPairFault(certificate.content, privateKey.content);
  if (fault !== undefined) {
    note("server_private_key", `${privateKeyFile} ${fault}`, reading);
    return undefined;
  }
  return { certificate: certificate.text, privateKey: privateKey.text, certificateFile, privateKeyFile };
}

function readPem<T>(
  key: FileKey,
  file: string | undefined,
  parse: (pem: string) => PemContent<T> | { fault: string },
  reading: TlsReading,
): PemContent<T> | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = reading.readFile(file);
  } catch (fault) {
    note(key, `cannot read ${file}: ${fault instanceof Error ? fault.message : fault}`, reading);
    return undefined;
  }
  const pem = parse(text);
  if (!("fault" in pem)) return pem;
  note(key, `${file} ${pem.fault}`, reading);
  return undefined;
}

function note(key: FileKey, message: string, reading: TlsReading): void {
  const path = ["server", "tls", key];
  const entry = findEntry(reading.document, path);
  if (entry !== undefined) reading.problems.push(problemAt(entry.node.at, path, message));
}
