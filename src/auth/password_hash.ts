/** Password hashes in PHC form: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` (RFC 9106). */
import { argon2id, argon2Verify } from "hash-wasm";

/** What new hashes cost: the original's parameters, which OWASP recommends too. */
const MEMORY_KIB = 19456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Bytes of a password; a much longer one could not be sent in a header anyway. */
const LONGEST = 1000;

/** Why a password cannot be used, undefined when it can. Control characters cannot be sent to a server (RFC 7617). */
export function faultOfPassword(password: string): string | undefined {
  if (password === "") return "it is empty";
  if (/\p{Cc}/u.test(password)) return "it holds a control character, such as that of an arrow key or a tab";
  if (new TextEncoder().encode(password).length > LONGEST) return `it is longer than ${LONGEST} bytes`;
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
  const text = password.normalize("NFC");
  // The library refuses an empty password at once; it has to take as long as any other.
  const fits = await argon2Verify({ password: text === "" ? "\0" : text, hash: phc });
  return fits && text !== "";
}
