/** Parses a certificate revocation list (RFC 5280 section 5): which serial numbers of one CA are revoked. */
import { DerError, DerReader, readSingle, TAG } from "./der_reader.ts";
import { bitStringBytesOf, serialOf, smallNumberOf, timeOf } from "./der_values.ts";
import { type DistinguishedName, readName } from "./distinguished_name.ts";
import { readSignatureAlgorithm, type Signed } from "./public_key.ts";
import { readExtensionList } from "./x509_extensions.ts";

export interface RevocationList extends Signed {
  readonly issuer: DistinguishedName;
  /** When it was made and when the next one is due, ms since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers as in {@linkcode Certificate}. */
  readonly revokedSerials: ReadonlySet<string>;
}

/** So many entries are read before other work gets a turn: some 5 ms. */
const ENTRIES_PER_TURN = 5_000;

/**
 * Reads a list of any length in slices, so that a big one does not hold up the requests of its thread.
 *
 * @throws {DerError} also for a list that says less than "these are all certificates that this CA revoked": delta
 *   lists, lists for some certificates only, and lists on behalf of other CAs
 */
export async function readRevocationList(der: Uint8Array): Promise<RevocationList> {
  const what = "the revocation list";
  const reader = new DerReader(readSingle(der, what, TAG.sequence).content);
  const signedPart = reader.read(what, TAG.sequence);
  const outerAlgorithm = reader.read("the signature algorithm", TAG.sequence);
  const signature = bitStringBytesOf(reader.read("the signature", TAG.bitString), "the signature");
  reader.end(what);

  const fields = new DerReader(signedPart.content);
  if (fields.follows(TAG.integer) && smallNumberOf(fields.read(what), "the version") !== 1) {
    throw new DerError("the revocation list has an unknown version");
  }
  const innerAlgorithm = fields.read("the signature algorithm", TAG.sequence);
  if (innerAlgorithm.encoding.toHex() !== outerAlgorithm.encoding.toHex()) {
    throw new DerError("the revocation list names two signature algorithms");
  }
  const issuer = readName(fields.read("the issuer", TAG.sequence), "the issuer");
  const thisUpdate = timeOf(fields.read("thisUpdate"), "thisUpdate");
  if (!fields.follows(TAG.utcTime) && !fields.follows(TAG.generalizedTime)) {
    throw new DerError("the revocation list does not say when the next one is due (nextUpdate)");
  }
  const nextUpdate = timeOf(fields.read("nextUpdate"), "nextUpdate");
  const entries = fields.follows(TAG.sequence) ? fields.enter(what) : new DerReader(new Uint8Array(0));
  if (fields.follows(0xa0)) {
    const outer = fields.enter(what, 0xa0);
    checkListExtensions(outer.enter(what));
    outer.end(what);
  }
  fields.end(what);

  const revokedSerials = new Set<string>();
  while (entries.follows()) {
    for (let i = 0; i < ENTRIES_PER_TURN && entries.follows(); i++) revokedSerials.add(readEntry(entries));
    if (entries.follows()) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return {
    issuer,
    thisUpdate,
    nextUpdate,
    revokedSerials,
    signedBytes: signedPart.encoding,
    signatureAlgorithm: readSignatureAlgorithm(outerAlgorithm),
    signature,
  };
}

const DELTA_INDICATOR = "2.5.29.27";
const ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
/** Authority key identifier and CRL number: nothing depends on them here. */
const WITHOUT_EFFECT = ["2.5.29.35", "2.5.29.20"];

function checkListExtensions(list: DerReader): void {
  for (const { identifier, critical } of readExtensionList(list, "the revocation list")) {
    if (identifier === DELTA_INDICATOR) {
      throw new DerError("it is a delta list, which is not supported; give the complete list");
    }
    if (identifier === ISSUING_DISTRIBUTION_POINT) {
      throw new DerError(
        "it covers only a part of the certificates or other CAs (issuingDistributionPoint), which is not supported; " +
          "give the complete list",
      );
    }
    if (critical && !WITHOUT_EFFECT.includes(identifier)) {
      throw new DerError(`it has the critical extension ${identifier}, which is not supported`);
    }
  }
}

/** Reason code and invalidity date: revoked is revoked, whatever the reason. */
const ENTRY_WITHOUT_EFFECT = ["2.5.29.21", "2.5.29.24"];

function readEntry(entries: DerReader): string {
  const what = "an entry of the revocation list";
  const entry = entries.enter(what);
  const serial = serialOf(entry.read("a revoked serial number", TAG.integer), "a revoked serial number");
  const { tag } = entry.read(what);
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw new DerError(`${what} has no date`);
  if (entry.follows()) {
    for (const { identifier, critical } of readExtensionList(entry.enter(what), what)) {
      if (critical && !ENTRY_WITHOUT_EFFECT.includes(identifier)) {
        throw new DerError(`an entry has the critical extension ${identifier}, which is not supported`);
      }
    }
  }
  entry.end(what);
  return serial;
}
