/** Looks at the CAs of client certificates and at their revocation lists. */
import { formatTime } from "../../auth/certificate_verdict.ts";
import { formatName } from "../../auth/distinguished_name.ts";
import { revocationListsIn } from "../../auth/load_revocation_lists.ts";
import { TrustError } from "../../auth/load_trust.ts";
import { readPemBlocks } from "../../auth/pem_blocks.ts";
import { readRevocationList } from "../../auth/revocation_list.ts";
import { readCertificate } from "../../auth/x509_certificate.ts";
import type { ClientAuthSettings } from "../../config/settings.ts";
import { checkTrust } from "../check_settings.ts";
import { findingOfValidity, type Validity } from "./check_validity.ts";
import { type Finding, odd, well, wrong } from "./finding.ts";

const CAS = "client CAs";
const LISTS = "revocation lists";

export async function checkClientTrust(
  clientAuth: ClientAuthSettings,
  now: number,
): Promise<readonly Finding[]> {
  try {
    const warnings = await checkTrust(clientAuth, new Date(now));
    // Those outside of their dates are told with what to do about it.
    const others = warnings.filter((text) => !/ (expired on|is not valid before|is made on) /.test(text));
    return [
      ...judge(CAS, authoritiesOf(clientAuth), now),
      ...await judgeLists(clientAuth, now),
      ...others.map((text) => odd(checkOf(text), text)),
    ];
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return error.problems.map((text) => wrong(checkOf(text), text));
  }
}

function checkOf(text: string): string {
  return text.includes("client_crl_bundle") ? LISTS : CAS;
}

async function judgeLists(clientAuth: ClientAuthSettings, now: number): Promise<readonly Finding[]> {
  if (clientAuth.crls.length > 0) return judge(LISTS, await listsOf(clientAuth), now);
  return [
    well(
      LISTS,
      "none (server.tls.client_crl_bundle): a stolen client certificate lets in until it expires",
    ),
  ];
}

/** What ends first where all is well. */
function judge(check: string, validities: readonly Validity[], now: number): Finding[] {
  const findings = validities.flatMap((each) => findingOfValidity(check, each, now) ?? []);
  if (findings.length > 0) return findings;
  const first = validities.reduce((soonest, each) => each.to < soonest.to ? each : soonest);
  return [well(check, `${validities.length}, the first to end is ${first.what} on ${formatTime(first.to)}`)];
}

function authoritiesOf({ caBundle }: ClientAuthSettings): Validity[] {
  return readPemBlocks(caBundle).blocks.map(({ der }) => {
    const { subject, notBefore, notAfter } = readCertificate(der);
    return {
      what: `the CA "${formatName(subject)}"`,
      from: notBefore,
      to: notAfter,
      renewal:
        "Add its successor to server.tls.client_ca_bundle, and issue the clients' certificates by that",
    };
  });
}

async function listsOf({ crls }: ClientAuthSettings): Promise<Validity[]> {
  const validities: Validity[] = [];
  for (const { der } of crls.flatMap((file) => revocationListsIn(file, "", []))) {
    const { issuer, thisUpdate, nextUpdate } = await readRevocationList(der);
    validities.push({
      what: `the list of "${formatName(issuer)}"`,
      from: thisUpdate,
      to: nextUpdate,
      renewal: "Have the CA issue a new list, and put it in the place of this one",
    });
  }
  return validities;
}
