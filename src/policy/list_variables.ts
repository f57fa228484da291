/** Shows every variable as rules see it, for people who ask why a policy decided as it did. */
import { CERTIFICATE_FIELDS, IDENTITY_FIELDS, REQUEST_FIELDS } from "./access_vocabulary.ts";
import type { PolicyVariables } from "./policy_variables.ts";

/** Path and value of each variable, the value as a rule would write it. */
export function listVariables({ identity, request }: PolicyVariables): [path: string, value: string][] {
  return [
    ...listFields("identity", identity, IDENTITY_FIELDS),
    ...listFields("identity.certificate", identity.certificate, CERTIFICATE_FIELDS),
    ...listFields("request", request, REQUEST_FIELDS),
    ["has_repository_policy()", String(request.hasRepositoryPolicy)],
  ];
}

function listFields<T extends object>(
  path: string,
  values: T,
  fields: Partial<Record<keyof T, string>>,
): [string, string][] {
  const names = Object.keys(fields) as (keyof T & string)[];
  return names
    .filter((name) => fields[name] !== "certificate")
    .map((name) => [`${path}.${name}`, writeValue(values[name])]);
}

function writeValue(value: unknown): string {
  if (value instanceof Date) {
    return `timestamp('${Number.isNaN(value.getTime()) ? "invalid" : value.toISOString()}')`;
  }
  if (Array.isArray(value)) return `[${value.map(writeValue).join(", ")}]`;
  if (typeof value !== "string") return String(value);
  // The escapes of JSON are escapes of CEL too.
  return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
