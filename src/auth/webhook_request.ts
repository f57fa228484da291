/** What an authorization webhook is told of a request: header fields, in the words of the original's protocol. */
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";
import { formatReference } from "../core/reference.ts";

/** Header fields to send, each value a field of its own: joined by commas, a name with a comma in it would read as two. */
export type WebhookHeaders = Readonly<Record<string, readonly string[]>>;

/** The prefixes of what the registry itself says; what the client sends must not pass for it. */
const OWN = /^x-(forwarded|registry)-/;

/**
 * Describes a request. Absent things have no field.
 *
 * @param forwarded lower-case names of the client's header fields that are passed on
 * @throws {Error} for a value with a control character, which no header can carry
 */
export function describeRequest(
  forwarded: readonly string[],
  { identity, request }: Caller,
  operation: Operation,
): WebhookHeaders {
  const { certificate } = identity;
  const told: readonly (readonly [name: string, values: readonly (string | undefined)[]])[] = [
    ["x-forwarded-method", [request.method]],
    ["x-forwarded-proto", [request.scheme]],
    ["x-forwarded-host", [request.host]],
    ["x-forwarded-uri", [request.target]],
    ["x-forwarded-for", [identity.clientIp]],
    ["x-registry-action", [operation.action]],
    ["x-registry-namespace", ["repository" in operation ? operation.repository : undefined]],
    ["x-registry-reference", ["reference" in operation ? formatReference(operation.reference) : undefined]],
    ["x-registry-digest", ["digest" in operation ? operation.digest : undefined]],
    ["x-registry-username", [identity.username]],
    ["x-registry-identity-id", [identity.id]],
    ["x-registry-certificate-cn", certificate?.commonNames ?? []],
    ["x-registry-certificate-o", certificate?.organizations ?? []],
  ];
  const passedOn = forwarded.filter((name) => !OWN.test(name))
    .map((name) => [name, request.headerValues(name)] as const);
  return Object.fromEntries(
    [...told.map(([name, values]) => [name, values.map(toUtf8)] as const), ...passedOn]
      .map(([name, values]) => [name, values.filter((value) => value !== "")] as const)
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => [name, values.map((value) => requireSendable(name, value))]),
  );
}

/** UTF-8 in the form in which node:http takes and gives header values: one character for each byte. */
function toUtf8(value: string | undefined): string {
  return String.fromCharCode(...new TextEncoder().encode(value));
}

/** Leaving the character out would turn one name into another. */
function requireSendable(name: string, value: string): string {
  // deno-lint-ignore no-control-regex -- these are the characters to refuse
  if (!/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return value;
  throw new Error(`the value for header ${name} holds a control character`);
}
