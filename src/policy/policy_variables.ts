/** The variables that access rules read, made of an identity and an operation. */
import type { CertificateFacts, Identity } from "../core/identity.ts";
import type { Action, Operation } from "../core/operation.ts";
import { formatReference, type Reference } from "../core/reference.ts";

/**
 * Most entries of each list that rules are judged on. What comes from a certificate is the client's to choose, and
 * rules walk through it; whoever brings more is refused.
 */
export const MOST_LIST_ENTRIES = 128;

const NONE: readonly string[] = Object.freeze([]);

/**
 * What a verified client certificate says. Without one: '' and empty lists, and `not_after` at the Unix epoch, so that
 * "is valid until ..." is false of it.
 */
export class CertificateVariables {
  readonly common_names: readonly string[];
  readonly organizations: readonly string[];
  readonly organizational_units: readonly string[];
  readonly dns_names: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  readonly issuer_common_names: readonly string[];
  readonly serial: string;
  readonly fingerprint: string;
  readonly not_after: Date;

  constructor(facts: CertificateFacts | undefined) {
    this.common_names = facts?.commonNames ?? NONE;
    this.organizations = facts?.organizations ?? NONE;
    this.organizational_units = facts?.organizationalUnits ?? NONE;
    this.dns_names = facts?.dnsNames ?? NONE;
    this.emails = facts?.emails ?? NONE;
    this.uris = facts?.uris ?? NONE;
    this.issuer_common_names = facts?.issuerCommonNames ?? NONE;
    this.serial = facts?.serial ?? "";
    this.fingerprint = facts?.fingerprint ?? "";
    this.not_after = new Date(facts?.notAfter ?? 0);
  }
}

const NO_CERTIFICATE = new CertificateVariables(undefined);

export class IdentityVariables {
  readonly username: string;
  readonly id: string;
  readonly client_ip: string;
  readonly certificate: CertificateVariables;

  constructor(identity: Identity) {
    this.username = identity.username;
    this.id = identity.id;
    this.client_ip = identity.clientIp;
    this.certificate = identity.certificate === undefined
      ? NO_CERTIFICATE
      : new CertificateVariables(identity.certificate);
  }
}

/** Whatever an operation may carry; every one carries only some of it. */
interface OperationFields {
  readonly action: Action;
  readonly repository?: string;
  readonly reference?: Reference;
  readonly tags?: readonly string[];
  readonly digest?: string;
  readonly sessionId?: string;
  readonly from?: string;
  readonly digestAlgorithm?: string;
  readonly n?: number;
  readonly last?: string;
  readonly artifactType?: string;
}

/** What is asked for. What an operation does not have is '', an empty list or 0. */
export class RequestVariables {
  readonly action: string;
  /** The repository name; `repository` is the same. */
  readonly namespace: string;
  readonly repository: string;
  /** Tag or digest of the manifest, as the client wrote it. */
  readonly reference: string;
  /** Every tag that a push of a manifest moves. */
  readonly tags: readonly string[];
  /** The digest, wherever the request names content by one. */
  readonly digest: string;
  readonly session_id: string;
  readonly from: string;
  readonly digest_algorithm: string;
  readonly n: bigint;
  readonly last: string;
  readonly artifact_type: string;

  constructor(operation: Operation, readonly hasRepositoryPolicy: boolean) {
    const fields: OperationFields = operation;
    const reference = fields.reference;
    this.action = fields.action;
    this.namespace = fields.repository ?? "";
    this.repository = this.namespace;
    this.reference = reference === undefined ? "" : formatReference(reference);
    this.tags = fields.tags ?? NONE;
    this.digest = fields.digest ?? (reference?.kind === "digest" ? reference.digest : "");
    this.session_id = fields.sessionId ?? "";
    this.from = fields.from ?? "";
    this.digest_algorithm = fields.digestAlgorithm ?? "";
    this.n = fields.n === undefined ? 0n : BigInt(fields.n);
    this.last = fields.last ?? "";
    this.artifact_type = fields.artifactType ?? "";
  }
}

export class PolicyVariables {
  readonly identity: IdentityVariables;
  readonly request: RequestVariables;

  constructor(identity: Identity, operation: Operation, hasRepositoryPolicy: boolean) {
    this.identity = new IdentityVariables(identity);
    this.request = new RequestVariables(operation, hasRepositoryPolicy);
  }

  /** A list that is too long for rules to be judged on it; undefined when there is none. */
  findOverflow(): string | undefined {
    if (this.request.tags.length > MOST_LIST_ENTRIES) return tooLong("request.tags", this.request.tags);
    const certificate = this.identity.certificate;
    if (certificate === NO_CERTIFICATE) return undefined;
    for (const name of CERTIFICATE_LISTS) {
      const list = certificate[name];
      if (list.length > MOST_LIST_ENTRIES) return tooLong(`identity.certificate.${name}`, list);
    }
    return undefined;
  }
}

const CERTIFICATE_LISTS = [
  "common_names",
  "organizations",
  "organizational_units",
  "dns_names",
  "emails",
  "uris",
  "issuer_common_names",
] as const;

function tooLong(name: string, list: readonly string[]): string {
  return `${name} has ${list.length} entries, rules are judged on ${MOST_LIST_ENTRIES} at most`;
}

/**
 * The variables for one decision.
 *
 * @param hasRepositoryPolicy what `has_repository_policy()` says: the repository that covers the name has a policy
 */
export function makeVariables(
  identity: Identity,
  operation: Operation,
  hasRepositoryPolicy = false,
): PolicyVariables {
  return new PolicyVariables(identity, operation, hasRepositoryPolicy);
}
