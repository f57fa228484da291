/** The PHC form of password hashes: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` (RFC 9106). */

/** Costs beyond which a hash in the configuration would let anybody exhaust the machine with wrong passwords. */
const MOST_MEMORY_KIB = 1024 * 1024;
const MOST_PASSES = 64;
const MOST_LANES = 16;

/** Why a text cannot be used as a password hash, without the text; undefined when it can. */
export function faultOfPasswordHash(phc: string): string | undefined {
  const form =
    /^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,172})$/;
  const parts = form.exec(phc);
  // No text of whole bytes has 4n + 1 digits in base64.
  if (parts === null || parts[4]!.length % 4 === 1 || parts[5]!.length % 4 === 1) {
    return 'expected an argon2 hash such as "$argon2id$v=19$m=19456,t=2,p=1$...": make one with `simple-registry hash-password`';
  }
  const [memory, passes, lanes] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (memory < 8 * lanes || passes < 1 || lanes < 1) return "its parameters are below what argon2 allows";
  if (memory > MOST_MEMORY_KIB || passes > MOST_PASSES || lanes > MOST_LANES) {
    return `it costs too much to verify: at most m=${MOST_MEMORY_KIB}, t=${MOST_PASSES}, p=${MOST_LANES}`;
  }
  return undefined;
}
