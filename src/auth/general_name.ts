/** The kinds of names that subject alternative names and name constraints are made of (RFC 5280 section 4.2.1.6). */
import { DerError, DerReader, type DerValue, TAG } from "./der_reader.ts";
import { type DistinguishedName, readName } from "./distinguished_name.ts";

export type GeneralName =
  | { readonly kind: "dns" | "email" | "uri"; readonly text: string }
  | { readonly kind: "directory"; readonly name: DistinguishedName }
  /** Names that are read by nobody here, such as `address` and `other`. */
  | { readonly kind: UnreadKind };

type UnreadKind = "address" | "other" | "x400" | "ediParty" | "registeredId";

const LONGEST_TEXT = 2048;
const MOST_NAMES = 200;

const UNREAD_KINDS: Readonly<Record<number, UnreadKind>> = {
  0xa0: "other",
  0xa3: "x400",
  0xa5: "ediParty",
  0x87: "address",
  0x88: "registeredId",
};

/** @throws {DerError} for anything but a sequence of at most 200 names */
export function readGeneralNames(sequence: DerValue): GeneralName[] {
  const reader = new DerReader(sequence.content);
  const names: GeneralName[] = [];
  while (reader.follows()) {
    if (names.length === MOST_NAMES) {
      throw new DerError(`a list of names has more than ${MOST_NAMES} of them`);
    }
    names.push(readGeneralName(reader.read("a name")));
  }
  return names;
}

/** @throws {DerError} */
export function readGeneralName(value: DerValue): GeneralName {
  switch (value.tag) {
    case 0x81:
      return { kind: "email", text: textOf(value, "an email address") };
    case 0x82:
      return { kind: "dns", text: textOf(value, "a DNS name") };
    case 0x86:
      return { kind: "uri", text: textOf(value, "a URI") };
    case 0xa4: {
      const inner = new DerReader(value.content);
      const name = readName(inner.read("a directory name", TAG.sequence), "a directory name");
      inner.end("a directory name");
      return { kind: "directory", name };
    }
    default: {
      const kind = UNREAD_KINDS[value.tag];
      if (kind === undefined) throw new DerError(`a name has the unknown tag 0x${value.tag.toString(16)}`);
      return { kind };
    }
  }
}

/** IA5String; that only printable characters stand in it is for who uses it to check. */
function textOf(value: DerValue, what: string): string {
  if (value.content.length > LONGEST_TEXT) throw new DerError(`${what} is longer than ${LONGEST_TEXT} bytes`);
  if (value.content.some((byte) => byte > 0x7f)) throw new DerError(`${what} holds bytes that are not ASCII`);
  return String.fromCharCode(...value.content);
}
