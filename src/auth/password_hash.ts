/** Password hashes in PHC form: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` (RFC 9106). */
import { argon2id, argon2Verify } from "hash-wasm";

/** What new hashes cost: the original's parameters, which OWASP recommends too. */
const MEMORY_KIB = 19456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Costs beyond which a hash in the configuration would let anybody exhaust the machine with wrong passwords. */
const MOST_MEMORY_KIB = 1024 * 1024;
const MOST_PASSES = 64;
const MOST_LANES = 16;

/** Why a text cannot be used as a password hash; undefined when it can. */
export function faultOfPasswordHash(phc: string): string | undefined {
  const form =
    /^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,172})$/;
  const parts = form.exec(phc);
  if (parts === null) {
    return 'expected an argon2 hash such as "$argon2id$v=19$m=19456,t=2,p=1$...": make one with `simple-registry hash-password`';
  }
  const [memory, passes, lanes] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (memory < 8 * lanes || passes < 1 || lanes < 1) return "its parameters are below what argon2 allows";
  if (memory > MOST_MEMORY_KIB || passes > MOST_PASSES || lanes > MOST_LANES) {
    return `it costs too much to verify: at most m=${MOST_MEMORY_KIB}, t=${MOST_PASSES}, p=${MOST_LANES}`;
  }
  return undefined;
}

/** A new hash of a password with a random salt, in PHC form. */
export async function hashPassword(password: string): Promise<string> {
  return await argon2id({
    password: password.normalize("NFC"),
    salt: crypto.getRandomValues(new Uint8Array(SALT_BYTES)),
    memorySize: MEMORY_KIB,
    iterations: PASSES,
    parallelism: LANES,
    hashLength: HASH_BYTES,
    outputType: "encoded",
  });
}

/** True when the password fits the hash. Takes the time and memory that the hash says: some 20 MiB and 30 ms by default. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  return await argon2Verify({ password: password.normalize("NFC"), hash: phc });
}
