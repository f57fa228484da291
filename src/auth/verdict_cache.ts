/** Remembers verdicts, so that a client that connects again costs no signature checks. */
import { createHash } from "node:crypto";
import type { CertificateVerdict } from "./certificate_verdict.ts";
import type { ClientTrust } from "./client_trust.ts";

export interface CacheLimits {
  /** Accepted and refused verdicts have each their own room: strangers cannot push out those who are known. */
  readonly mostAccepted: number;
  readonly mostRefused: number;
  /** How long a refusal is remembered, ms. */
  readonly refusalLifetime: number;
}

const DEFAULT_LIMITS: CacheLimits = { mostAccepted: 4_096, mostRefused: 1_024, refusalLifetime: 10_000 };

interface Entry {
  readonly verdict: CertificateVerdict;
  /** Moments between which it holds, both included; a clock that was set back asks anew. */
  readonly from: number;
  readonly to: number;
}

/** A trust with the verdicts that it gave; a reload makes another one. */
export class VerdictCache {
  readonly #limits: CacheLimits;
  readonly #accepted = new Map<string, Entry>();
  readonly #refused = new Map<string, Entry>();
  readonly #trust: ClientTrust;

  constructor(trust: ClientTrust, limits: CacheLimits = DEFAULT_LIMITS) {
    this.#trust = trust;
    this.#limits = limits;
  }

  /** As {@linkcode ClientTrust.verify}; `onStep` hears nothing of a verdict that is remembered. */
  async verify(
    chain: readonly Uint8Array[],
    now: number,
    onStep?: (step: string) => void,
  ): Promise<CertificateVerdict> {
    const key = keyOf(chain);
    const known = this.#find(this.#accepted, key, now) ?? this.#find(this.#refused, key, now);
    if (known !== undefined) return known;
    const verdict = await this.#trust.verify(chain, now, onStep);
    const to = verdict.accepted ? verdict.validUntil : now + this.#limits.refusalLifetime;
    this.#remember(verdict.accepted, key, { verdict, from: now, to });
    return verdict;
  }

  #find(entries: Map<string, Entry>, key: string, now: number): CertificateVerdict | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    entries.delete(key);
    if (now < entry.from || now > entry.to) return undefined;
    // Put at the end: what is used stays, what stands first is given up first.
    entries.set(key, entry);
    return entry.verdict;
  }

  #remember(accepted: boolean, key: string, entry: Entry): void {
    const entries = accepted ? this.#accepted : this.#refused;
    const most = accepted ? this.#limits.mostAccepted : this.#limits.mostRefused;
    entries.delete(key);
    entries.set(key, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= most) break;
      entries.delete(oldest);
    }
  }
}

/** Over the whole chain, with the length of each certificate, so that no two chains give the same bytes. */
function keyOf(chain: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const der of chain) hash.update(`${der.length} `).update(der);
  return hash.digest("base64");
}
