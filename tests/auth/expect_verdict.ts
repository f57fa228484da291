/** Asks a trust for its verdict on certificates of the factory, and asserts what it says. */
import assert from "node:assert/strict";
import type { CertificateFacts } from "../../src/core/identity.ts";
import type {
  AcceptedCertificate,
  RefusalCode,
  RefusedCertificate,
} from "../../src/auth/certificate_verdict.ts";
import type { ClientTrust } from "../../src/auth/client_trust.ts";
import { loadTrust, type TrustSettings } from "../../src/auth/load_trust.ts";
import type { MadeCertificate } from "./certificate_factory.ts";

/** Trust in these CAs, checked at the moment of the call; warnings do not matter. */
export async function trustIn(
  authorities: readonly MadeCertificate[],
  settings: Partial<TrustSettings> = {},
): Promise<ClientTrust> {
  const caBundle = authorities.map((authority) => authority.pem).join("");
  const { trust } = await loadTrust(
    { caBundle, crlMissing: "deny", crlExpired: "deny", ...settings },
    new Date(),
  );
  return trust;
}

/** @returns the accepted verdict */
export async function expectAccepted(
  trust: ClientTrust,
  chain: readonly MadeCertificate[],
  now = Date.now(),
): Promise<AcceptedCertificate> {
  const verdict = await trust.verify(chain.map((certificate) => certificate.der), now);
  assert.ok(verdict.accepted, verdict.accepted ? "" : verdict.reason);
  return verdict;
}

/** @returns what the certificate of an accepted chain says */
export async function expectFacts(
  trust: ClientTrust,
  chain: readonly MadeCertificate[],
): Promise<CertificateFacts> {
  return (await expectAccepted(trust, chain)).facts;
}

/** @returns the refusal, whose text is printable ASCII and starts as it has to */
export async function expectRefused(
  trust: ClientTrust,
  chain: readonly MadeCertificate[],
  code: RefusalCode,
  text: RegExp,
  now = Date.now(),
): Promise<RefusedCertificate> {
  const verdict = await trust.verify(chain.map((certificate) => certificate.der), now);
  assert.ok(!verdict.accepted, "the certificate was accepted");
  assert.equal(verdict.code, code, verdict.reason);
  assert.match(verdict.reason, text);
  assert.match(verdict.reason, /^client certificate refused: [\x20-\x7e]{1,1500}$/);
  assert.match(verdict.subject + verdict.issuer, /^[\x20-\x7e]{0,600}$/);
  return verdict;
}
