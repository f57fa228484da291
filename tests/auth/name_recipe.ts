/** Encodes names of certificates with every oddity that an attacker may want. */
import { concatenate, der, derObjectIdentifier, derSequence, derSet } from "../harness/der.ts";

/** Tags of the string types that a value can be encoded in. */
const STRING_TAGS = {
  UTF8String: 0x0c,
  NumericString: 0x12,
  PrintableString: 0x13,
  T61String: 0x14,
  IA5String: 0x16,
  VisibleString: 0x1a,
  UniversalString: 0x1c,
  BMPString: 0x1e,
} as const;

export type StringType = keyof typeof STRING_TAGS;

const ATTRIBUTES: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  DC: "0.9.2342.19200300.100.1.25",
  emailAddress: "1.2.840.113549.1.9.1",
};

/** Type ("CN" or a dotted identifier), value (text, or the bytes themselves), and string type (UTF8String). */
export type AttributeRecipe = readonly [type: string, value: string | Uint8Array, stringType?: StringType];

/**
 * A name: a text is one common name; else a list of attributes, where a list within the list is a multi-valued one.
 * `[["O", "ops"], ["CN", "alice"]]`, `[[["O", "ops"], ["CN", "admin"]]]`, `[["CN", "admin", "BMPString"]]`, `[]`.
 */
export type NameRecipe = string | readonly (AttributeRecipe | readonly AttributeRecipe[])[];

export function encodeName(recipe: NameRecipe): Uint8Array {
  const parts = typeof recipe === "string" ? [["CN", recipe] as const] : recipe;
  return derSequence(...parts.map((part) => {
    const attributes = isAttribute(part) ? [part] : part;
    return derSet(...attributes.map(encodeAttribute));
  }));
}

function isAttribute(part: AttributeRecipe | readonly AttributeRecipe[]): part is AttributeRecipe {
  return typeof part[0] === "string";
}

function encodeAttribute([type, value, stringType = "UTF8String"]: AttributeRecipe): Uint8Array {
  const bytes = typeof value === "string" ? encodeText(value, stringType) : value;
  return derSequence(derObjectIdentifier(ATTRIBUTES[type] ?? type), der(STRING_TAGS[stringType], bytes));
}

function encodeText(text: string, stringType: StringType): Uint8Array {
  switch (stringType) {
    case "BMPString":
      return concatenate(
        Array.from({ length: text.length }, (_, i) => {
          const unit = text.charCodeAt(i);
          return Uint8Array.of(unit >> 8, unit & 0xff);
        }),
      );
    case "UniversalString":
      return concatenate(Array.from(text, (character) => {
        const point = character.codePointAt(0) ?? 0;
        return Uint8Array.of(0, point >> 16, (point >> 8) & 0xff, point & 0xff);
      }));
    default:
      return new TextEncoder().encode(text);
  }
}

/** Subject alternative names, and the bases of name constraints: one of the keys each. */
export type AlternativeName =
  | { readonly dns: string }
  | { readonly email: string }
  | { readonly uri: string }
  /** Address bytes; in a constraint followed by the mask. */
  | { readonly ip: Uint8Array }
  | { readonly directory: NameRecipe }
  /** An encoded GeneralName. */
  | { readonly raw: Uint8Array };

export function encodeAlternativeName(name: AlternativeName): Uint8Array {
  const text = (tag: number, value: string) => der(tag, new TextEncoder().encode(value));
  if ("email" in name) return text(0x81, name.email);
  if ("dns" in name) return text(0x82, name.dns);
  if ("directory" in name) return der(0xa4, encodeName(name.directory));
  if ("uri" in name) return text(0x86, name.uri);
  if ("ip" in name) return der(0x87, name.ip);
  return name.raw;
}
