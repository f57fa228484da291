/** Reads from a leaf the names that policies compare, and refuses every name that two readers could read in two ways. */
import { Refusal } from "./certificate_verdict.ts";
import { TAG } from "./der_reader.ts";
import {
  ATTRIBUTE,
  attributeLabel,
  type DistinguishedName,
  type NameAttribute,
} from "./distinguished_name.ts";
import type { GeneralName } from "./general_name.ts";

export interface SubjectNames {
  readonly commonNames: readonly string[];
  readonly organizations: readonly string[];
  readonly organizationalUnits: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

const LONGEST_VALUE = 256;
const MOST_ATTRIBUTES = 64;

/** @throws {Refusal} ambiguous_name */
export function readSubjectNames(
  subject: DistinguishedName,
  alternativeNames: readonly GeneralName[],
): SubjectNames {
  const { relativeNames } = subject;
  if (relativeNames.length > MOST_ATTRIBUTES) {
    throw ambiguous(`the subject has more than ${MOST_ATTRIBUTES} attributes`);
  }
  const attributes = relativeNames.map((set) => {
    const [attribute, ...others] = set;
    if (attribute === undefined || others.length > 0) {
      throw ambiguous(`the subject joins ${set.map(attributeLabel).join("+")} to one multi-valued name`);
    }
    return { type: attribute.type, text: readText(attribute, "of the subject") };
  });
  const ofType = (type: string) => attributes.filter((each) => each.type === type).map((each) => each.text);
  const commonNames = ofType(ATTRIBUTE.commonName);
  if (commonNames.length > 1) throw ambiguous(`the subject has ${commonNames.length} common names (CN)`);

  const ofKind = (kind: "dns" | "email" | "uri") =>
    alternativeNames.flatMap((name) => name.kind === kind ? [checkAlternativeName(name.text, kind)] : []);
  const names = { dnsNames: ofKind("dns"), emails: ofKind("email"), uris: ofKind("uri") };
  const alternatives = names.dnsNames.length + names.emails.length + names.uris.length;
  if (attributes.length + alternatives === 0) {
    throw ambiguous("the subject is empty and there is no subject alternative name (DNS, email or URI)");
  }
  return {
    commonNames,
    organizations: ofType(ATTRIBUTE.organization),
    organizationalUnits: ofType(ATTRIBUTE.organizationalUnit),
    ...names,
  };
}

/**
 * The common names of an issuer. Its other attributes are for people only, old CAs may have them in any string type.
 *
 * @throws {Refusal} ambiguous_name
 */
export function readCommonNames(issuer: DistinguishedName): string[] {
  return issuer.relativeNames.flat()
    .filter((attribute) => attribute.type === ATTRIBUTE.commonName)
    .map((attribute) => readText(attribute, "of the issuer"));
}

/**
 * Characters that are not seen, or that change how others are seen: controls, format characters (bidirectional marks,
 * zero width), separators of lines, half surrogate pairs, fillers. And every blank but the common one.
 */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u;

function readText(attribute: NameAttribute, whose: string): string {
  const which = `the ${attributeLabel(attribute)} ${whose}`;
  const text = decodeText(attribute, which);
  if (text === "") throw ambiguous(`${which} is empty`);
  if (text.length > LONGEST_VALUE) throw ambiguous(`${which} is longer than ${LONGEST_VALUE} characters`);
  const deceptive = DECEPTIVE.exec(text)?.[0].codePointAt(0);
  if (deceptive !== undefined) {
    const shown = deceptive.toString(16).toUpperCase().padStart(4, "0");
    throw ambiguous(`${which} holds the control or format character U+${shown}`);
  }
  if (text.startsWith(" ") || text.endsWith(" ")) throw ambiguous(`${which} starts or ends with a blank`);
  return text;
}

function decodeText(attribute: NameAttribute, which: string): string {
  switch (attribute.tag) {
    case TAG.utf8String:
      try {
        // With ignoreBOM a byte order mark stays in the text, where it is found.
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(attribute.value);
      } catch {
        throw ambiguous(`${which} is not valid UTF-8`);
      }
    case TAG.printableString:
    case TAG.ia5String:
      if (attribute.value.some((byte) => byte > 0x7f)) {
        throw ambiguous(`${which} holds bytes that are not ASCII`);
      }
      return new TextDecoder().decode(attribute.value);
    default: {
      const type = STRING_TYPES[attribute.tag] ?? `type 0x${attribute.tag.toString(16)}`;
      throw ambiguous(`${which} is a ${type}, expected a UTF8String, PrintableString or IA5String`);
    }
  }
}

const STRING_TYPES: Readonly<Record<number, string>> = {
  0x12: "NumericString",
  0x14: "T61String",
  0x1a: "VisibleString",
  0x1c: "UniversalString",
  0x1e: "BMPString",
};

function checkAlternativeName(text: string, kind: "dns" | "email" | "uri"): string {
  const which = `a subject alternative name (${kind})`;
  if (text === "") throw ambiguous(`${which} is empty`);
  if (!/^[\x21-\x7e]+$/.test(text)) throw ambiguous(`${which} holds a blank or a control character`);
  return text;
}

function ambiguous(why: string): Refusal {
  return new Refusal("ambiguous_name", `ambiguous name: ${why}`);
}
