/** Reads the files that `[server.tls]` names. */
import { type Checking, isSet, noteMissing, noteProblem } from "./checking.ts";
import { findEntry } from "./document.ts";
import type { KeyPath } from "./key_path.ts";
import { readBytes } from "./read_file.ts";
import { readCaBundle, readKeyPair } from "./read_key_pair.ts";
import type { TLS } from "./schema.ts";
import type { ValuesOf } from "./schema_item.ts";
import type { ClientAuthSettings, TlsSettings } from "./settings.ts";

type TlsValues = ValuesOf<typeof TLS>;

const TABLE: KeyPath = ["server", "tls"];

/** Certificate, key and what client certificates are checked by; undefined when a problem was noted. */
export function readTls(values: TlsValues, checking: Checking): TlsSettings | undefined {
  const pair = readKeyPair(
    TABLE,
    { name: "server_certificate_bundle", file: values.server_certificate_bundle },
    { name: "server_private_key", file: values.server_private_key },
    "clients",
    checking,
  );
  const clientAuth = readClientAuth(values, checking);
  return pair && { ...pair, minimumVersion: values.minimum_version, ...(clientAuth && { clientAuth }) };
}

/** What a value without its base would seem to protect must be told, never be dropped in silence. */
function readClientAuth(values: TlsValues, checking: Checking): ClientAuthSettings | undefined {
  const required = values.client_auth === "required";
  if (!isSet(checking, [...TABLE, "client_ca_bundle"])) {
    const bases: readonly (readonly [string, boolean])[] = [
      ["client_auth", required],
      ["client_crl_bundle", isSet(checking, [...TABLE, "client_crl_bundle"])],
      ["advertise_client_cas", values.advertise_client_cas],
    ];
    for (const [name, present] of bases) {
      if (present) noteMissing(checking, [...TABLE, name], "needs client_ca_bundle beside it");
    }
  }
  if (!isSet(checking, [...TABLE, "client_crl_bundle"])) {
    for (const name of ["crl_missing", "crl_expired"]) {
      const path = [...TABLE, name];
      if (isSet(checking, path)) noteMissing(checking, path, "needs client_crl_bundle beside it");
    }
  }
  const crls = readCrls(values, checking);
  const outcome = "client certificates that need it will be refused";
  const ca = readCaBundle([...TABLE, "client_ca_bundle"], values.client_ca_bundle, outcome, checking);
  return ca && {
    caBundle: ca.pem,
    caBundleFile: ca.file,
    required,
    crls: crls.map((crl) => crl.bytes),
    crlFiles: crls.map((crl) => crl.file),
    crlMissing: values.crl_missing,
    crlExpired: values.crl_expired,
    advertiseCas: values.advertise_client_cas,
  };
}

function readCrls(values: TlsValues, checking: Checking): { file: string; bytes: Uint8Array }[] {
  const path = [...TABLE, "client_crl_bundle"];
  const files = values.client_crl_bundle;
  const entry = findEntry(checking.document, path);
  if (entry?.node.kind === "array" && entry.node.elements.length === 0) {
    noteProblem(checking, path, "names no file");
  }
  return files.flatMap(({ value: file, at }) => {
    const bytes = readBytes(file, path, checking, at);
    if (bytes === undefined) return [];
    if (looksLikeCrl(bytes)) return [{ file, bytes }];
    noteProblem(checking, path, `${file} holds neither a PEM block X509 CRL nor a CRL in DER`, at);
    return [];
  });
}

/** Catches a wrong file; what the CRL says is checked where it is used. */
function looksLikeCrl(bytes: Uint8Array): boolean {
  const SEQUENCE = 0x30;
  return bytes[0] === SEQUENCE ||
    new TextDecoder("latin1").decode(bytes).includes("-----BEGIN X509 CRL-----");
}
