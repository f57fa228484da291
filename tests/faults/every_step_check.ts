/** A registry under load that dies between any two steps of what it does. */
import assert from "node:assert/strict";
import type { RegistryOptions, RunningRegistry } from "../harness/start_registry.ts";
import { KillTrial } from "./kill_trial.ts";
import { pathOf, send } from "./send_request.ts";
import { EXPIRY_STEP, STEPS } from "./steps.ts";

/** ms within which clients that work come to every step, also on a busy machine. */
const PATIENCE_MS = 90_000;

/**
 * Lets it die before each step `rounds` times. After each start everything is as the answers said: no acknowledged write is
 * lost, no deletion undone, a request without an answer is done or not done, and in the end nothing stays that nobody needs.
 *
 * @returns one line for people
 * @throws {AssertionError} also for a step that nobody comes to
 */
export async function dieAtEveryStep(
  { rounds, clients }: { rounds: number; clients: number },
): Promise<string> {
  await using trial = await KillTrial.make(clients);
  const steps = Object.values(STEPS).flat();
  for (let round = 0; round < rounds; round++) {
    for (const step of steps) {
      await using registry = await trial.start(dyingAt(step));
      await dies(registry, step, () => trial.workUntilKilled(registry));
    }
  }
  await trial.finishUploads();
  await dieWhenUploadsExpire(trial);
  await trial.settle();
  return `died ${rounds} times at each of ${steps.length} steps, ${trial.acknowledged} acknowledged writes, none lost`;
}

/** Requests that were cut may have left uploads that nobody knows of; one more does so for certain. */
async function dieWhenUploadsExpire(trial: KillTrial): Promise<void> {
  await using registry = await trial.startToSettle(dyingAt(EXPIRY_STEP));
  const location = pathOf(await send([202], "POST", `${registry.url}/v2/left/blobs/uploads/`));
  await send([202], "PATCH", `${registry.url}${location}`, new Uint8Array(100));
  await dies(registry, EXPIRY_STEP, () => trial.waitForEnd(registry));
}

function dyingAt(step: string): RegistryOptions {
  return { main: new URL("./dying_server.ts", import.meta.url), env: { DIE_AT: step } };
}

async function dies(registry: RunningRegistry, step: string, work: () => Promise<unknown>): Promise<void> {
  registry.process.kill("SIGUSR2");
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    registry.process.kill("SIGKILL");
  }, PATIENCE_MS);
  const { signal } = await work().then(() => registry.process.ended()).finally(() => clearTimeout(timer));
  assert.ok(!isLate, `nobody came to the step "${step}" within ${PATIENCE_MS} ms`);
  const lines = registry.logLines;
  assert.ok(lines.includes(`dies at: ${step}`), `ended by ${signal}: ${lines.slice(-5).join("\n")}`);
}
