/** Every name that an access rule may use, and the type behind it. */
import type { Action } from "../core/operation.ts";
import type { CertificateVariables, IdentityVariables, RequestVariables } from "./policy_variables.ts";

/** A type as the engine writes it; `identity`, `certificate` and `request` are objects with fields. */
export type FieldType = "string" | "int" | "list<string>" | "google.protobuf.Timestamp" | "certificate";

type Fields<T> = Readonly<Record<keyof T, FieldType>>;

export const IDENTITY_FIELDS: Fields<IdentityVariables> = {
  username: "string",
  id: "string",
  client_ip: "string",
  certificate: "certificate",
};

export const CERTIFICATE_FIELDS: Fields<CertificateVariables> = {
  common_names: "list<string>",
  organizations: "list<string>",
  organizational_units: "list<string>",
  dns_names: "list<string>",
  emails: "list<string>",
  uris: "list<string>",
  issuer_common_names: "list<string>",
  serial: "string",
  fingerprint: "string",
  not_after: "google.protobuf.Timestamp",
};

export const REQUEST_FIELDS: Fields<Omit<RequestVariables, "hasRepositoryPolicy">> = {
  action: "string",
  namespace: "string",
  repository: "string",
  reference: "string",
  tags: "list<string>",
  digest: "string",
  session_id: "string",
  from: "string",
  digest_algorithm: "string",
  n: "int",
  last: "string",
  artifact_type: "string",
};

/** Fields of each object, by the name of its type. The variables `identity` and `request` have types of their names. */
export const OBJECT_FIELDS: ReadonlyMap<string, ReadonlyMap<string, FieldType>> = new Map([
  ["identity", new Map(Object.entries(IDENTITY_FIELDS))],
  ["certificate", new Map(Object.entries(CERTIFICATE_FIELDS))],
  ["request", new Map(Object.entries(REQUEST_FIELDS))],
]);

/** Functions, with the number of their arguments. */
export const FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ["has", 1],
  ["size", 1],
  ["string", 1],
  ["int", 1],
  ["double", 1],
  ["timestamp", 1],
  ["duration", 1],
  ["has_repository_policy", 0],
]);

/** Methods, with the number of their arguments. */
export const METHODS: ReadonlyMap<string, number> = new Map([
  ["contains", 1],
  ["startsWith", 1],
  ["endsWith", 1],
  ["matches", 1],
  ["size", 0],
  ["getFullYear", 0],
  ["getMonth", 0],
  ["getDate", 0],
  ["getDayOfMonth", 0],
  ["getDayOfWeek", 0],
  ["getHours", 0],
  ["getMinutes", 0],
  ["getSeconds", 0],
  ["getMilliseconds", 0],
]);

/** Methods that walk through a list, with the numbers of arguments that they take. */
export const MACROS: ReadonlyMap<string, readonly number[]> = new Map([
  ["all", [2]],
  ["exists", [2]],
  ["exists_one", [2]],
  ["filter", [2]],
  ["map", [2, 3]],
]);

/** Variables and functions of retention policies, which people look for here as well. */
export const RETENTION_NAMES: ReadonlySet<string> = new Set([
  "image",
  "now",
  "days",
  "hours",
  "minutes",
  "top_pushed",
  "top_pulled",
]);

/** Fields that the original had under another name. */
export const FORMER_FIELDS: ReadonlyMap<string, string> = new Map([
  ["request.uuid", "write request.session_id"],
  ["identity.ip", "write identity.client_ip"],
  ["identity.name", "write identity.username"],
  ["identity.user", "write identity.username"],
  ["request.repo", "write request.namespace"],
  ["request.tag", "write 'latest' in request.tags for a push, request.reference == 'latest' for a pull"],
]);

const ACTION_TABLE: Readonly<Record<Action, true>> = {
  "get-api-version": true,
  "get-token": true,
  "list-catalog": true,
  "list-tags": true,
  "get-referrers": true,
  "get-manifest": true,
  "put-manifest": true,
  "delete-manifest": true,
  "get-blob": true,
  "delete-blob": true,
  "start-upload": true,
  "mount-blob": true,
  "get-upload": true,
  "update-upload": true,
  "cancel-upload": true,
  "complete-upload": true,
  "list-repositories": true,
  "list-namespaces": true,
  "list-revisions": true,
  "list-uploads": true,
  "list-pulls": true,
  "list-tag-history": true,
  "restore-tag": true,
  "metrics": true,
};

/** What `request.action` can be, and the actions of the original that exist no more or not yet: rules may name them. */
export const ACTIONS: ReadonlySet<string> = new Set([
  ...Object.keys(ACTION_TABLE),
  "healthz",
  "readyz",
  "ui-asset",
  "ui-config",
  "list-jobs",
  "list-failed-jobs",
  "retry-job",
  "delete-job",
]);
