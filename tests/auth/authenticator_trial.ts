/** An authenticator whose clock, certificates and passwords a test holds in its hands. */
import { NO_METRICS } from "../../src/metrics/no_metrics.ts";
import assert from "node:assert/strict";
import { ClientAddress } from "../../src/auth/client_address.ts";
import type { ClientTrust } from "../../src/auth/client_trust.ts";
import type { CertificateVerdict, RefusedCertificate } from "../../src/auth/certificate_verdict.ts";
import { type AuthenticatorParts, RegistryAuthenticator } from "../../src/auth/registry_authenticator.ts";
import { TokenService } from "../../src/auth/token_service.ts";
import { VerdictCache } from "../../src/auth/verdict_cache.ts";
import type { CertificateFacts } from "../../src/core/identity.ts";
import { OciError } from "../../src/core/oci_error.ts";
import type { Credentials } from "../../src/ports/authenticator.ts";
import { utf8 } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { FakeChecker } from "./cheap_identities.ts";

export const NOW = 1_700_000_000_000;
export const FACTS: CertificateFacts = {
  commonNames: ["alice"],
  organizations: ["ops"],
  organizationalUnits: [],
  dnsNames: [],
  emails: [],
  uris: [],
  serial: "1",
  fingerprint: "aa",
  issuerCommonNames: ["Root"],
  notAfter: NOW + 60_000,
};
export const REFUSED: RefusedCertificate = {
  accepted: false,
  code: "expired",
  reason: "client certificate refused: expired",
  subject: "CN=mallory",
  issuer: "CN=Root",
  serial: "2",
  fingerprint: "bb",
};

/** Gives its verdict and counts. */
export class FakeTrust {
  asked = 0;
  verdict: CertificateVerdict = { accepted: true, facts: FACTS, validUntil: NOW + 60_000 };

  verify(): Promise<CertificateVerdict> {
    this.asked++;
    return Promise.resolve(this.verdict);
  }

  get asTrust(): ClientTrust {
    return this as unknown as ClientTrust;
  }
}

export function setUp(change: Partial<AuthenticatorParts> = {}) {
  const { lines, log } = makeModelRegistry();
  const trust = new FakeTrust();
  const verdicts = new VerdictCache(trust.asTrust);
  const checker = new FakeChecker();
  const clock = { time: NOW, now: () => clock.time };
  const authenticator = new RegistryAuthenticator({
    clock,
    log,
    metrics: NO_METRICS,
    addresses: new ClientAddress([{ address: "10.0.0.0", prefixLength: 8 }]),
    certificates: { verdicts, required: false },
    passwords: checker,
    tokens: new TokenService(new Uint8Array(32).fill(7), 60),
    usernames: new Map([["bob-id", "bob"], ["carol-id", "carol"]]),
    ...change,
  });
  return { authenticator, checker, clock, lines, trust, verdicts };
}

export function shown(change: Partial<Credentials> = {}): Credentials {
  return {
    peerAddress: "192.0.2.1",
    forwardedFor: [],
    authorization: undefined,
    secure: true,
    certificateChain: undefined,
    ...change,
  };
}

export const basic = (pair: string): string => `Basic ${utf8(pair).toBase64()}`;
export const chainOf = (byte = 1): readonly Uint8Array[] => [Uint8Array.of(byte)];

export async function refusalOf(promise: Promise<unknown>): Promise<OciError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof OciError, `${error}`);
    return error;
  }
  assert.fail("it was not refused");
}
