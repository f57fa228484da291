/** Decides whether a client certificate is acceptable, from the CAs and revocation lists of the configuration. */
import type { CertificateFacts } from "../core/identity.ts";
import { checkLeaf } from "./certificate_rules.ts";
import { type CertificateVerdict, Refusal, refuse } from "./certificate_verdict.ts";
import { DerError } from "./der_reader.ts";
import { formatName } from "./distinguished_name.ts";
import { type CertificatePath, checkPath, type PathResult, SignatureChecks } from "./path_check.ts";
import { describeDeadEnd, searchPaths } from "./path_search.ts";
import type { Revocation } from "./revocation.ts";
import type { SecondJudge } from "./second_judge.ts";
import { readCommonNames, readSubjectNames, type SubjectNames } from "./subject_names.ts";
import { type Certificate, readCertificate } from "./x509_certificate.ts";

const MOST_CERTIFICATES = 10;
const MOST_BYTES = 64 * 1024;
const MOST_REMEMBERED_INTERMEDIATES = 1_000;

/** Of a certificate that arrives without its bytes. */
const UNREADABLE =
  "the TLS library finds in it what no certificate may hold, such as a date that does not exist";

/** What is trusted, as {@linkcode loadTrust} checked it. Never changes; a reload makes another one. */
export class ClientTrust {
  readonly #trusted: ReadonlyMap<string, readonly Certificate[]>;
  readonly #fingerprints: ReadonlySet<string>;
  readonly #issuersOfTrusted: ReadonlyMap<Certificate, readonly Certificate[]>;
  readonly #revocation: Revocation | undefined;
  readonly #judge: SecondJudge;
  /** Encoded names of intermediates that were part of a good path, to tell a client that forgot to send one. */
  readonly #intermediates = new Set<string>();

  /** @param issuers the trusted CAs above a trusted CA, for those that are not roots */
  constructor(
    trusted: readonly Certificate[],
    issuers: ReadonlyMap<Certificate, readonly Certificate[]>,
    revocation: Revocation | undefined,
    judge: SecondJudge,
  ) {
    this.#trusted = Map.groupBy(trusted, (certificate) => certificate.subject.key);
    this.#fingerprints = new Set(trusted.map((certificate) => certificate.fingerprint));
    this.#issuersOfTrusted = issuers;
    this.#revocation = revocation;
    this.#judge = judge;
  }

  /**
   * Verifies what a client presented in its handshake, in bounded work whatever it is. That the client has the key of
   * the first certificate is for the handshake to prove, and the first one is the only one whose names count.
   *
   * @param chain certificates in DER, the client's own first, as it sent them; without bytes where it cannot be read
   * @param now ms since the epoch
   * @param onStep told each step in a sentence of printable ASCII, for the log
   */
  async verify(
    chain: readonly Uint8Array[],
    now: number,
    onStep?: (step: string) => void,
  ): Promise<CertificateVerdict> {
    let leaf: Certificate | undefined;
    try {
      if (chain[0]?.length === 0) throw new DerError(UNREADABLE);
      // The leaf first, as long as it alone is not too large: a refusal is to say whose certificate it was.
      if (chain[0] !== undefined && chain[0].length <= MOST_BYTES) leaf = readCertificate(chain[0]);
      const { first, others } = splitChain(chain);
      leaf ??= readCertificate(first);
      onStep?.(
        `client certificate "${formatName(leaf.subject)}", issuer "${
          formatName(leaf.issuer)
        }", serial ${leaf.serial}, ` +
          `with ${others.length} more`,
      );
      if (this.#fingerprints.has(leaf.fingerprint)) {
        throw new Refusal("not_a_leaf", "it is itself in client_ca_bundle, which holds CAs and no clients");
      }
      checkLeaf(leaf, now);
      const names = readSubjectNames(leaf.subject, leaf.extensions.alternativeNames);
      const issuerCommonNames = readCommonNames(leaf.issuer);
      const { path, validUntil } = this.#findPath(leaf, this.#readOthers(others), now, onStep);
      await this.#judge.judge(path, now);
      for (const intermediate of path.slice(1, -1)) this.#remember(intermediate);
      onStep?.("accepted");
      return { accepted: true, facts: factsOf(leaf, names, issuerCommonNames), validUntil };
    } catch (fault) {
      const verdict = refuse(fault, chain[0], leaf);
      onStep?.(verdict.reason);
      return verdict;
    }
  }

  /** What the client sent beside its own certificate, each once, without the trusted CAs. */
  #readOthers(others: readonly Uint8Array[]): Certificate[] {
    const certificates = new Map<string, Certificate>();
    for (const [index, der] of others.entries()) {
      try {
        const certificate = readCertificate(der);
        certificates.set(certificate.fingerprint, certificate);
      } catch (fault) {
        if (!(fault instanceof DerError)) throw fault;
        throw new DerError(`certificate ${index + 2} that was sent: ${fault.message}`);
      }
    }
    return [...certificates.values()].filter(({ fingerprint }) => !this.#fingerprints.has(fingerprint));
  }

  #findPath(
    leaf: Certificate,
    others: readonly Certificate[],
    now: number,
    onStep: ((step: string) => void) | undefined,
  ): { path: CertificatePath; validUntil: number } {
    const { paths, deadEnd, givenUp } = searchPaths(leaf, others, this.#trusted, onStep);
    if (paths.length === 0 && givenUp) {
      throw new Refusal("too_large", "the certificates that were sent name each other in too many ways");
    }
    if (paths.length === 0) throw this.#describeMissing(deadEnd);
    const context = {
      now,
      revocation: this.#revocation,
      signatures: new SignatureChecks(),
      issuersOfTrusted: (trusted: Certificate) => this.#issuersOfTrusted.get(trusted) ?? [],
      onStep,
    };
    let closest: (PathResult & { valid: false }) | undefined;
    for (const [index, path] of paths.entries()) {
      onStep?.(
        `path ${index + 1} of ${paths.length}: ${
          path.map(({ subject }) => `"${formatName(subject)}"`).join(" < ")
        }`,
      );
      const result = checkPath(path, context);
      if (result.valid) return { path, validUntil: result.validUntil };
      onStep?.(`path ${index + 1} does not hold: ${result.refusal.message}`);
      if (closest === undefined || result.level < closest.level) closest = result;
    }
    throw closest?.refusal;
  }

  #describeMissing(deadEnd: readonly Certificate[]): Refusal {
    const tip = deadEnd.at(-1);
    const { issuerOfIssuer } = tip?.extensions ?? {};
    const isIntermediate = tip !== undefined && (
      this.#intermediates.has(tip.issuer.key) ||
      (issuerOfIssuer !== undefined && issuerOfIssuer !== tip.issuer.key && this.#trusted.has(issuerOfIssuer))
    );
    if (!isIntermediate) return new Refusal("unknown_issuer", describeDeadEnd(deadEnd));
    return new Refusal(
      "missing_intermediate",
      `intermediate missing: the client did not send "${formatName(tip.issuer)}", a CA below those of ` +
        "client_ca_bundle; its certificate file must hold it after its own certificate",
    );
  }

  #remember(intermediate: Certificate): void {
    if (this.#intermediates.size < MOST_REMEMBERED_INTERMEDIATES) {
      this.#intermediates.add(intermediate.subject.key);
    }
  }
}

function splitChain(chain: readonly Uint8Array[]): { first: Uint8Array; others: readonly Uint8Array[] } {
  const [first, ...others] = chain;
  if (first === undefined) throw new Refusal("malformed", "there is none");
  const bytes = chain.reduce((sum, der) => sum + der.length, 0);
  if (chain.length > MOST_CERTIFICATES) {
    throw new Refusal(
      "too_large",
      `${chain.length} certificates were sent, at most ${MOST_CERTIFICATES} are allowed`,
    );
  }
  if (bytes > MOST_BYTES) {
    throw new Refusal(
      "too_large",
      `${bytes} bytes of certificates were sent, at most ${MOST_BYTES} are allowed`,
    );
  }
  return { first, others };
}

function factsOf(
  leaf: Certificate,
  names: SubjectNames,
  issuerCommonNames: readonly string[],
): CertificateFacts {
  return {
    ...names,
    serial: leaf.serial,
    fingerprint: leaf.fingerprint,
    issuerCommonNames,
    notAfter: leaf.notAfter,
  };
}
