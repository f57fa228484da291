/** Name constraints: which names a CA may put into the certificates below it (RFC 5280 section 4.2.1.10). */
import { quote } from "../core/quote.ts";
import { DerReader, type DerValue, TAG } from "./der_reader.ts";
import type { DistinguishedName, NameAttribute } from "./distinguished_name.ts";
import { type GeneralName, readGeneralName } from "./general_name.ts";

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** @throws {DerError} */
export function readNameConstraints(sequence: DerValue): NameConstraints {
  const reader = new DerReader(sequence.content);
  const permitted = reader.follows(0xa0) ? readSubtrees(reader.read("nameConstraints")) : [];
  const excluded = reader.follows(0xa1) ? readSubtrees(reader.read("nameConstraints")) : [];
  reader.end("nameConstraints");
  return { permitted, excluded };
}

function readSubtrees(value: DerValue): GeneralName[] {
  const reader = new DerReader(value.content);
  const bases: GeneralName[] = [];
  while (reader.follows()) {
    const subtree = reader.enter("a name constraint");
    bases.push(readGeneralName(subtree.read("a name constraint")));
    // minimum and maximum: RFC 5280 has no use for them, and a constraint must not be half understood.
    subtree.end("a name constraint");
  }
  return bases;
}

/** Why the names of a certificate break the constraints of a CA above it, undefined when they keep them. */
export function nameConstraintFault(
  constraints: NameConstraints,
  subject: DistinguishedName,
  alternativeNames: readonly GeneralName[],
): string | undefined {
  for (const name of namesUnderConstraint(subject, alternativeNames)) {
    const permitted = constraints.permitted.filter((base) => base.kind === name.kind);
    const excluded = constraints.excluded.filter((base) => base.kind === name.kind);
    if (permitted.length + excluded.length === 0) continue;
    const shown = "text" in name
      ? `the ${name.kind} name ${quote(name.text)}`
      : name.kind === "directory"
      ? "the subject"
      : undefined;
    if (shown === undefined) return `constraints on names of the kind "${name.kind}" are not supported`;
    if (excluded.some((base) => isWithin(name, base, "excluded"))) return `${shown} is excluded`;
    if (permitted.length > 0 && !permitted.some((base) => isWithin(name, base, "permitted"))) {
      return `${shown} is not among the permitted ones`;
    }
  }
  return undefined;
}

/** All names of a certificate that constraints cover. A common name is none of them, in no implementation. */
function* namesUnderConstraint(
  subject: DistinguishedName,
  alternativeNames: readonly GeneralName[],
): Generator<GeneralName> {
  yield* alternativeNames;
  if (subject.relativeNames.length > 0) yield { kind: "directory", name: subject };
  for (const attribute of subject.relativeNames.flat()) {
    if (attribute.type !== "1.2.840.113549.1.9.1") continue;
    yield { kind: "email", text: String.fromCharCode(...attribute.value.subarray(0, 2048)) };
  }
}

/**
 * Whether a name lies in a subtree. Where that can be seen in two ways, the answer is the one that refuses: directory
 * names must be alike to the letter to be permitted, and only alike without case and blanks to be excluded.
 */
function isWithin(name: GeneralName, base: GeneralName, list: "permitted" | "excluded"): boolean {
  if (name.kind === "directory" && base.kind === "directory") {
    return isDirectoryWithin(name.name, base.name, list);
  }
  if (!("text" in name) || !("text" in base)) return false;
  const constraint = base.text.toLowerCase();
  switch (name.kind) {
    case "dns":
      return isHostWithin(name.text.toLowerCase().replace(/\.$/, ""), constraint, "itself and below");
    case "email": {
      const at = name.text.lastIndexOf("@");
      const host = name.text.slice(at + 1).toLowerCase();
      if (at <= 0) return list === "excluded";
      if (!constraint.includes("@")) return isHostWithin(host, constraint, "itself");
      const local = base.text.slice(0, base.text.lastIndexOf("@"));
      const sameLocal = list === "permitted"
        ? local === name.text.slice(0, at)
        : local.toLowerCase() === name.text.slice(0, at).toLowerCase();
      return sameLocal && host === constraint.slice(constraint.lastIndexOf("@") + 1);
    }
    case "uri": {
      const host = URI_HOST.exec(name.text)?.[1]?.toLowerCase();
      // A URI without a host name cannot be told to be inside or outside (RFC 5280: MUST reject).
      if (host === undefined || /^[\d.]+$/.test(host)) return list === "excluded";
      return isHostWithin(host, constraint, "itself");
    }
  }
}

const URI_HOST = /^[a-z][a-z\d+.-]*:\/\/(?:[^@/?#]*@)?([^:/?#[\]@]+)(?::\d*)?(?:[/?#]|$)/i;

/** A constraint that starts with a dot covers what is below it; for one without, `covers` says what it covers. */
function isHostWithin(host: string, constraint: string, covers: "itself" | "itself and below"): boolean {
  if (constraint === "") return true;
  if (constraint.startsWith(".")) return host.endsWith(constraint);
  return host === constraint || (covers === "itself and below" && host.endsWith("." + constraint));
}

function isDirectoryWithin(
  name: DistinguishedName,
  base: DistinguishedName,
  list: "permitted" | "excluded",
): boolean {
  const sameSet = (ours: readonly NameAttribute[] | undefined, theirs: readonly NameAttribute[]) =>
    ours !== undefined && ours.length === theirs.length &&
    theirs.every((wanted) =>
      ours.some((attribute) => attribute.type === wanted.type && sameText(attribute, wanted, list))
    );
  return base.relativeNames.every((theirs, index) => sameSet(name.relativeNames[index], theirs));
}

const BYTE_STRINGS: readonly number[] = [TAG.utf8String, TAG.printableString, TAG.ia5String];

function sameText(one: NameAttribute, other: NameAttribute, list: "permitted" | "excluded"): boolean {
  const comparable = BYTE_STRINGS.includes(one.tag) && BYTE_STRINGS.includes(other.tag);
  if (!comparable) return list === "excluded" || one.encoding.toHex() === other.encoding.toHex();
  const text = (attribute: NameAttribute) => new TextDecoder().decode(attribute.value);
  const folded = (attribute: NameAttribute) =>
    text(attribute).normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
  return list === "permitted" ? text(one) === text(other) : folded(one) === folded(other);
}
