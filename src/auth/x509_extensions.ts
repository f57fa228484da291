/** The extensions of a certificate that this registry understands (RFC 5280 section 4.2). */
import { DerError, DerReader, type DerValue, readSingle, TAG } from "./der_reader.ts";
import { booleanOf, namedBitsOf, objectIdentifierOf, smallNumberOf } from "./der_values.ts";
import { type GeneralName, readGeneralNames } from "./general_name.ts";
import { type NameConstraints, readNameConstraints } from "./name_constraints.ts";

export const PURPOSE = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
  any: "2.5.29.37.0",
} as const;

/** What the extensions say; undefined where a certificate has none of the kind. */
export interface CertificateExtensions {
  readonly isAuthority: boolean;
  /** Whether there is a basicConstraints at all. */
  readonly hasBasicConstraints: boolean;
  /** How many intermediates may follow below, undefined without a limit. */
  readonly pathLength: number | undefined;
  readonly keyUsage: KeyUsage | undefined;
  /** Dotted identifiers of an extended key usage. */
  readonly purposes: readonly string[] | undefined;
  readonly alternativeNames: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  /** Encoded name of the CA above the issuer, where the authority key identifier gives it. */
  readonly issuerOfIssuer: string | undefined;
  /** Dotted identifiers of critical extensions that are not understood. */
  readonly unknownCritical: readonly string[];
}

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly certificateSigning: boolean;
  readonly listSigning: boolean;
}

export interface Extension {
  readonly identifier: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

const MOST_EXTENSIONS = 64;

/**
 * The list that stands in certificates and in revocation lists.
 *
 * @throws {DerError} also for an extension that comes twice
 */
export function readExtensionList(list: DerReader, what: string): Extension[] {
  const extensions: Extension[] = [];
  while (list.follows()) {
    const reader = list.enter(what);
    const identifier = objectIdentifierOf(reader.read(what, TAG.objectIdentifier), what);
    const critical = reader.follows(TAG.boolean) && booleanOf(reader.read(what), what);
    const { content } = reader.read(what, TAG.octetString);
    reader.end(what);
    if (extensions.some((other) => other.identifier === identifier)) {
      throw new DerError(`${what} has the extension ${identifier} twice`);
    }
    if (extensions.length === MOST_EXTENSIONS) throw new DerError(`${what} has too many extensions`);
    extensions.push({ identifier, critical, value: content });
  }
  return extensions;
}

/** Without a requireExplicitPolicy, policies never decide whether a path is valid (RFC 5280 section 6.1.5 (g)). */
const WITHOUT_EFFECT = ["2.5.29.14", "2.5.29.32", "2.5.29.33", "2.5.29.54"];

/** @throws {DerError} */
export function readExtensions(list: readonly Extension[]): CertificateExtensions {
  const found: { -readonly [Key in keyof CertificateExtensions]: CertificateExtensions[Key] } = {
    isAuthority: false,
    hasBasicConstraints: false,
    pathLength: undefined,
    keyUsage: undefined,
    purposes: undefined,
    alternativeNames: [],
    nameConstraints: undefined,
    issuerOfIssuer: undefined,
    unknownCritical: [],
  };
  const unknownCritical: string[] = [];
  for (const { identifier, critical, value } of list) {
    switch (identifier) {
      case "2.5.29.19":
        found.hasBasicConstraints = true;
        Object.assign(found, readBasicConstraints(value));
        break;
      case "2.5.29.15":
        found.keyUsage = readKeyUsage(value);
        break;
      case "2.5.29.37":
        found.purposes = readPurposes(value);
        break;
      case "2.5.29.17":
        found.alternativeNames = readGeneralNames(readSingle(value, "subjectAltName", TAG.sequence));
        break;
      case "2.5.29.30":
        found.nameConstraints = readNameConstraints(readSingle(value, "nameConstraints", TAG.sequence));
        break;
      case "2.5.29.35":
        found.issuerOfIssuer = readIssuerOfIssuer(value);
        if (critical) unknownCritical.push(identifier);
        break;
      case "2.5.29.36":
        if (requiresPolicy(value)) unknownCritical.push(identifier);
        break;
      default:
        if (critical && !WITHOUT_EFFECT.includes(identifier)) unknownCritical.push(identifier);
    }
  }
  found.unknownCritical = unknownCritical;
  return found;
}

function readBasicConstraints(value: Uint8Array): { isAuthority: boolean; pathLength: number | undefined } {
  const what = "basicConstraints";
  const reader = new DerReader(readSingle(value, what, TAG.sequence).content);
  const isAuthority = reader.follows(TAG.boolean) && booleanOf(reader.read(what), what);
  const pathLength = reader.follows() ? smallNumberOf(reader.read(what, TAG.integer), what) : undefined;
  reader.end(what);
  return { isAuthority, pathLength };
}

function readKeyUsage(value: Uint8Array): KeyUsage {
  const isSet = namedBitsOf(readSingle(value, "keyUsage", TAG.bitString), "keyUsage");
  return { digitalSignature: isSet(0), certificateSigning: isSet(5), listSigning: isSet(6) };
}

function readPurposes(value: Uint8Array): string[] {
  const what = "extendedKeyUsage";
  const reader = new DerReader(readSingle(value, what, TAG.sequence).content);
  const purposes: string[] = [];
  do purposes.push(objectIdentifierOf(reader.read(what, TAG.objectIdentifier), what)); while (
    reader.follows()
  );
  return purposes;
}

/** AuthorityKeyIdentifier: [0] key identifier, [1] names of the issuer's issuer, [2] serial of the issuer. */
function readIssuerOfIssuer(value: Uint8Array): string | undefined {
  const what = "authorityKeyIdentifier";
  const reader = new DerReader(readSingle(value, what, TAG.sequence).content);
  if (reader.follows(0x80)) reader.read(what);
  const names: DerValue | undefined = reader.follows(0xa1) ? reader.read(what) : undefined;
  if (reader.follows(0x82)) reader.read(what);
  reader.end(what);
  if (names === undefined) return undefined;
  for (const name of readGeneralNames(names)) if (name.kind === "directory") return name.name.key;
  return undefined;
}

/** PolicyConstraints: [0] requireExplicitPolicy, [1] inhibitPolicyMapping. */
function requiresPolicy(value: Uint8Array): boolean {
  return new DerReader(readSingle(value, "policyConstraints", TAG.sequence).content).follows(0x80);
}
