/** Judges the first and last moment of a certificate or revocation list. */
import { formatTime } from "../../auth/certificate_verdict.ts";
import { type Finding, odd, wrong } from "./finding.ts";

/** ms; what ends within this time is told, however long it was good for. */
const LONGEST_NOTICE_MS = 30 * 86_400_000;

/** Part of a lifetime that is left when what lives short should have been renewed. */
const NOTICE_SHARE = 0.2;

export interface Validity {
  /** What it is, such as `the CA "CN=Root"`. */
  readonly what: string;
  /** ms since the epoch. */
  readonly from: number;
  readonly to: number;
  /** What to do when it ends. */
  readonly renewal: string;
}

/** Undefined where it holds now and for long enough. */
export function findingOfValidity(check: string, { what, from, to, renewal }: Validity, now: number) {
  if (now > to) return wrong(check, `${what} expired on ${formatTime(to)}`, renewal);
  if (now < from) {
    const advice = "Set the clock of this machine right, or wait";
    return wrong(check, `${what} is not valid before ${formatTime(from)}`, advice);
  }
  return endsSoon(check, { what, from, to, renewal }, now);
}

function endsSoon(check: string, { what, from, to, renewal }: Validity, now: number): Finding | undefined {
  if (to - now > Math.min(LONGEST_NOTICE_MS, (to - from) * NOTICE_SHARE)) return undefined;
  const hours = Math.floor((to - now) / 3_600_000);
  const left = hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
  return odd(check, `${what} ends in ${left}, on ${formatTime(to)}`, renewal);
}
