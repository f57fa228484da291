/** Registers tests that need an installed client: missing, it is a named ignore, and a failure in CI. */

import { delimiter } from "node:path";

const inCi = (Deno.env.get("CI") ?? "") !== "";

/** The path of a program in PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    try {
      const info = Deno.statSync(`${folder}/${name}`);
      if (info.isFile && ((info.mode ?? 0) & 0o111) !== 0) return `${folder}/${name}`;
    } catch (error) {
      const isAbsent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
      if (!isAbsent && !(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  return undefined;
}

export interface ClientNeeds {
  readonly programs: readonly string[];
  /** True for clients that work only as root, such as a private dockerd. */
  readonly root?: boolean;
}

/** What of the needs is absent on this machine, in words, or undefined when the client can run. */
export function describeMissing(needs: ClientNeeds): string | undefined {
  const missing = needs.programs.filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) return `${missing.join(", ")} not installed`;
  if ((needs.root ?? false) && Deno.uid() !== 0) return "needs root";
  return undefined;
}

/** Makes the `Deno.test` of one client's file. */
export function testWith(
  needs: ClientNeeds,
): (title: string, run: (t: Deno.TestContext) => Promise<void>) => void {
  const missing = describeMissing(needs);
  return (title, run) => {
    if (missing === undefined) Deno.test(title, run);
    else if (!inCi) Deno.test({ name: `${title} (ignored: ${missing})`, ignore: true, fn: run });
    else Deno.test(title, () => Promise.reject(new Error(`Cannot run the client in CI: ${missing}`)));
  };
}
