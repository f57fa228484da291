/** Reads certificate bundles and private keys from the files that keys of a table name. */
import {
  dateWarnings,
  keyPairFault,
  type PemContent,
  readCertificates,
  readPrivateKey,
} from "./check_key_pair.ts";
import { type Checking, noteProblem } from "./checking.ts";
import type { KeyPath } from "./key_path.ts";
import { readText } from "./read_file.ts";
import type { CertificateFile, KeyPairFiles } from "./settings.ts";

/** One of the two keys of a pair: its name, and the file that it names unless there was a problem. */
export interface FileKey {
  readonly name: string;
  readonly file: string | undefined;
}

/** Certificates and the private key of the first, undefined when a problem was noted. `refuser`: who checks the dates. */
export function readKeyPair(
  table: KeyPath,
  certificateKey: FileKey,
  privateKeyKey: FileKey,
  refuser: string,
  checking: Checking,
): KeyPairFiles | undefined {
  const outcome = `${refuser} will refuse it`;
  const bundle = readBundle([...table, certificateKey.name], certificateKey.file, outcome, checking);
  const path = [...table, privateKeyKey.name];
  const key = readPem(path, privateKeyKey.file, readPrivateKey, checking);
  if (bundle === undefined || key === undefined || privateKeyKey.file === undefined) return undefined;
  const fault = keyPairFault(bundle.certificates, key.content, certificateKey.name);
  if (fault !== undefined) {
    noteProblem(checking, path, `${privateKeyKey.file} ${fault}`);
    return undefined;
  }
  return {
    certificate: bundle.pem,
    certificateFile: bundle.file,
    privateKey: key.text,
    privateKeyFile: privateKeyKey.file,
  };
}

/** A bundle of trusted CAs, undefined when a problem was noted. `outcome`: what comes of one outside its dates. */
export function readCaBundle(
  path: KeyPath,
  file: string | undefined,
  outcome: string,
  checking: Checking,
): CertificateFile | undefined {
  const bundle = readBundle(path, file, outcome, checking);
  return bundle && { pem: bundle.pem, file: bundle.file };
}

function readBundle(path: KeyPath, file: string | undefined, outcome: string, checking: Checking) {
  const bundle = readPem(path, file, readCertificates, checking);
  if (bundle === undefined || file === undefined) return undefined;
  checking.warnings.push(...dateWarnings(bundle.content, file, checking.now, outcome));
  return { pem: bundle.text, file, certificates: bundle.content };
}

function readPem<T>(
  path: KeyPath,
  file: string | undefined,
  parse: (pem: string) => PemContent<T> | { fault: string },
  checking: Checking,
): PemContent<T> | undefined {
  const text = file === undefined ? undefined : readText(file, path, checking);
  if (text === undefined) return undefined;
  const pem = parse(text);
  if (!("fault" in pem)) return pem;
  noteProblem(checking, path, `${file} ${pem.fault}`);
  return undefined;
}
