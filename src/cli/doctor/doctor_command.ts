/** The `doctor` command: one line for each thing that it looked at, or the same for programs. */
import type { CommandText } from "../commands/ask_data.ts";
import { inJson } from "../commands/ask_data.ts";
import { readOptions } from "../options.ts";
import { isPainted, paintLevel } from "../paint.ts";
import { examine } from "./examine.ts";
import { describeFinding, type Finding, type Level } from "./finding.ts";
import { formatCount } from "../../core/format_count.ts";

export interface DoctorResult extends CommandText {
  /** False where the configuration cannot be used. */
  readonly configured: boolean;
}

/** @throws {UsageError} */
export async function runDoctor(
  args: readonly string[],
  configFiles: readonly string[],
  now: Date,
): Promise<DoctorResult> {
  const options = readOptions(args, "doctor");
  const { findings, configured } = await examine(configFiles, now.getTime());
  const ok = countOf(findings, "problem") === 0;
  const text = options.has("json") ? inJson({ ok, findings }) : describeFindings(findings);
  return { ok, configured, text };
}

function describeFindings(findings: readonly Finding[]): string {
  const paint = isPainted(Deno.stdout) ? paintLevel : undefined;
  const lines = findings.map((finding) => describeFinding(finding, paint));
  const [problems, warnings] = [countOf(findings, "problem"), countOf(findings, "warning")];
  return `${lines.join("\n")}\n${formatCount(problems, "problem")}, ${formatCount(warnings, "warning")}\n`;
}

function countOf(findings: readonly Finding[], level: Level): number {
  return findings.filter((finding) => finding.level === level).length;
}
