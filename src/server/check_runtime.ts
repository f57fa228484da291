/** Refuses runtimes that are known to be unsafe or that this program does not fit. */

/** Below it, node:https on Deno asks no client for a certificate, or calls one without a certificate authorized. */
const OLDEST = [2, 8, 3] as const;

/** What is wrong with this version of Deno for us; undefined when nothing is. */
export function faultOfRuntime(version: string): string | undefined {
  const numbers = version.split(/[.+-]/).map(Number);
  for (let i = 0; i < OLDEST.length; i++) {
    if (numbers[i]! > OLDEST[i]!) return undefined;
    if (!(numbers[i]! >= OLDEST[i]!)) {
      return `Cannot run on Deno ${version}: its TLS does not verify clients. Use ${
        OLDEST.join(".")
      } or later`;
    }
  }
  return undefined;
}
