/** Identities whose passwords cost next to nothing to check, and a checker that is told what to answer. */
import { argon2id } from "hash-wasm";
import type {
  PasswordAnswer,
  PasswordChecker,
  PasswordIdentity,
  PasswordQuestion,
} from "../../src/auth/password_check.ts";

/** The id is the user name with "-id" behind it. */
export async function makeIdentity(
  username: string,
  password: string,
  cost: { readonly memorySize?: number; readonly iterations?: number } = {},
): Promise<PasswordIdentity> {
  const passwordHash = await argon2id({
    password,
    salt: crypto.getRandomValues(new Uint8Array(16)),
    memorySize: cost.memorySize ?? 8,
    iterations: cost.iterations ?? 1,
    parallelism: 1,
    hashLength: 32,
    outputType: "encoded",
  });
  return { id: `${username}-id`, username, passwordHash };
}

/** Takes the password "right" of everybody. Answers when the test opens the gate. */
export class FakeChecker implements PasswordChecker {
  readonly asked: PasswordQuestion[] = [];
  answer: PasswordAnswer | undefined;
  gate: Promise<void> = Promise.resolve();

  async check(question: PasswordQuestion): Promise<PasswordAnswer> {
    this.asked.push(question);
    await this.gate;
    if (this.answer !== undefined) return this.answer;
    const { username, password } = question;
    return password === "right" ? { kind: "accepted", id: `${username}-id`, username } : { kind: "refused" };
  }
}
