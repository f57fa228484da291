/** Who a client is, in one word, where lists of pulls show it. */
import type { Identity } from "./identity.ts";

/** The user name, else the first common name of the certificate, else the address. */
export function clientNameOf({ username, certificate, clientIp }: Identity): string {
  return username || certificate?.commonNames[0] || clientIp;
}
