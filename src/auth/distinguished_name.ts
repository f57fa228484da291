/** Distinguished names: what a certificate calls its subject and its issuer (RFC 5280 section 4.1.2.4). */
import { DerError, DerReader, type DerValue, TAG } from "./der_reader.ts";
import { objectIdentifierOf } from "./der_values.ts";

export interface NameAttribute {
  /** Dotted identifier of the type. */
  readonly type: string;
  /** Tag of the value's string type. */
  readonly tag: number;
  readonly value: Uint8Array;
  /** The value with tag and length. */
  readonly encoding: Uint8Array;
}

export interface DistinguishedName {
  /**
   * The whole encoding in hexadecimal. Names are the same when these are: no folding of case and blanks, as in the
   * TLS libraries of Go and Rust, so that no two names can be taken for each other.
   */
  readonly key: string;
  /** Sets of attributes in the order of the encoding; nearly always each has one. */
  readonly relativeNames: readonly (readonly NameAttribute[])[];
}

/** Dotted identifiers of the attributes that identities are made of. */
export const ATTRIBUTE = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  organizationalUnit: "2.5.4.11",
} as const;

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "street",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.42": "givenName",
  "2.5.4.97": "organizationIdentifier",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
};

const LONGEST_SHOWN = 250;

/** @throws {DerError} */
export function readName(value: DerValue, what: string): DistinguishedName {
  if (value.tag !== TAG.sequence) throw new DerError(`${what} is not a name`);
  const relativeNames: NameAttribute[][] = [];
  const reader = new DerReader(value.content);
  while (reader.follows()) {
    const set = reader.enter(what, TAG.set);
    const attributes: NameAttribute[] = [];
    do {
      const attribute = set.enter(what);
      const type = objectIdentifierOf(attribute.read(what, TAG.objectIdentifier), what);
      const { tag, content, encoding } = attribute.read(what);
      attribute.end(what);
      attributes.push({ type, tag, value: content, encoding });
    } while (set.follows());
    relativeNames.push(attributes);
  }
  return { key: value.encoding.toHex(), relativeNames };
}

/** What people call the type of an attribute: "CN", or its dotted identifier. */
export function attributeLabel(attribute: NameAttribute): string {
  return SHORT_NAMES[attribute.type] ?? attribute.type;
}

/**
 * Text of a name as in RFC 4514, last part first, for logs and messages: "CN=alice,O=Infrastructure".
 * Printable ASCII only and at most some 250 characters, whatever the certificate holds.
 */
export function formatName(name: DistinguishedName): string {
  let text = "";
  for (const attributes of name.relativeNames.toReversed()) {
    const part = attributes.map((attribute) => `${attributeLabel(attribute)}=${formatValue(attribute)}`).join(
      "+",
    );
    text += text === "" ? part : `,${part}`;
    if (text.length > LONGEST_SHOWN) return text.slice(0, LONGEST_SHOWN) + "...";
  }
  return text === "" ? "(empty name)" : text;
}

const TEXT_TAGS: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.ia5String];

function formatValue(attribute: NameAttribute): string {
  const shown = attribute.value.subarray(0, LONGEST_SHOWN);
  if (!TEXT_TAGS.includes(attribute.tag)) return "#" + attribute.encoding.subarray(0, LONGEST_SHOWN).toHex();
  // RFC 4514 section 2.4: each byte that is not shown as it is becomes a backslash and two digits.
  let text = "";
  for (const [index, byte] of shown.entries()) {
    const character = String.fromCharCode(byte);
    const outermost = index === 0 || index === attribute.value.length - 1;
    if (byte < 0x20 || byte > 0x7e) text += "\\" + byte.toString(16).toUpperCase().padStart(2, "0");
    else if ('"+,;<>\\='.includes(character) || (outermost && character === " ")) text += "\\" + character;
    else if (index === 0 && character === "#") text += "\\#";
    else text += character;
  }
  return text;
}
