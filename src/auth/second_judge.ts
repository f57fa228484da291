/** Lets pkijs, written by others, judge each path that our own rules accepted: one mistake alone admits nobody. */
import type * as Pkijs from "pkijs";
import { quote } from "../core/quote.ts";
import { Refusal } from "./certificate_verdict.ts";
import type { CertificatePath } from "./path_check.ts";
import type { Certificate } from "./x509_certificate.ts";

/**
 * The validation of pkijs (RFC 5280 section 6), held on a lead: left to itself it takes the last of the certificates
 * for the leaf, looks at the shortest path only, and never returns when two certificates have signed each other.
 * So it is given one path that is known to be good, told who issued whom, and asked who it took for the leaf.
 */
export class SecondJudge {
  readonly #pkijs: typeof Pkijs;
  readonly #crypto: Pkijs.CryptoEngine;
  readonly #parsed = new WeakMap<Certificate, Pkijs.Certificate>();

  private constructor(pkijs: typeof Pkijs) {
    this.#pkijs = pkijs;
    this.#crypto = new pkijs.CryptoEngine({ name: "webcrypto", crypto: globalThis.crypto });
  }

  /** Imported only here, because it takes 50 ms that a server without client certificates need not spend. */
  static async load(): Promise<SecondJudge> {
    return new SecondJudge(await import("pkijs"));
  }

  /** @throws {Refusal} unsupported, when pkijs does not accept the path */
  async judge(path: CertificatePath, now: number): Promise<void> {
    const certificates = path.map((certificate) => this.#parse(certificate));
    const [leaf] = certificates;
    const trusted = certificates.at(-1);
    if (leaf === undefined || trusted === undefined || leaf === trusted) {
      throw disagreement("the path is too short");
    }
    const issuerOf = async (certificate: Pkijs.Certificate) => {
      const level = certificates.indexOf(certificate);
      const issuer = certificates[level + 1];
      if (issuer === undefined) return [];
      // The one algorithm that our rules know and pkijs does not.
      if (path[level]?.signatureAlgorithm.kind === "Ed25519") return [issuer];
      return await certificate.verify(issuer, this.#crypto) ? [issuer] : [];
    };
    const engine = new this.#pkijs.CertificateChainValidationEngine({
      trustedCerts: [trusted],
      // Intermediates first, the leaf last.
      certs: certificates.slice(0, -1).reverse(),
      checkDate: new Date(now),
      findIssuer: issuerOf,
    });
    const { result, resultMessage, certificatePath } = await this.#run(engine);
    if (!result) throw disagreement(resultMessage);
    const sameLeaf = certificatePath?.length === path.length && certificatePath[0] === leaf;
    if (!sameLeaf) throw disagreement("it took another certificate for the leaf");
  }

  async #run(
    engine: Pkijs.CertificateChainValidationEngine,
  ): Promise<Pkijs.CertificateChainValidationEngineVerifyResult> {
    try {
      return await engine.verify({}, this.#crypto);
    } catch (fault) {
      throw disagreement(fault instanceof Error ? fault.message : String(fault));
    }
  }

  #parse(certificate: Certificate): Pkijs.Certificate {
    let parsed = this.#parsed.get(certificate);
    if (parsed === undefined) {
      try {
        parsed = this.#pkijs.Certificate.fromBER(new Uint8Array(certificate.der));
      } catch (fault) {
        throw disagreement(fault instanceof Error ? fault.message : String(fault));
      }
      this.#parsed.set(certificate, parsed);
    }
    return parsed;
  }
}

function disagreement(why: string): Refusal {
  return new Refusal(
    "unsupported",
    `pkijs, which checks every path once more, does not accept it: ${quote(why)}`,
  );
}
