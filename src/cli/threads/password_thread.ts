/** Entry of the password thread: argon2 takes tens of milliseconds, which no HTTP thread can spare. */
import {
  type PasswordAnswer,
  PasswordCheck,
  type PasswordIdentity,
  type PasswordQuestion,
} from "../../auth/password_check.ts";
import { answerCalls, type ServeCalls } from "./port_calls.ts";

/** First message to the thread: whom it knows. */
export interface StartPasswords {
  readonly identities: readonly PasswordIdentity[];
}

const thread = self as unknown as { onmessage: (event: MessageEvent) => void };

thread.onmessage = ({ data }: MessageEvent<StartPasswords>) => {
  const check = new PasswordCheck(data.identities, () => performance.now());
  thread.onmessage = ({ data }: MessageEvent<ServeCalls>) => {
    answerCalls<PasswordQuestion, PasswordAnswer>(data.port, (question) => check.check(question));
  };
};
