/** Memory of a server process, as the kernel counts it. */

export interface ProcessMemory {
  /** Bytes that it holds now. */
  readonly now: number;
  /** The most that it ever held, in bytes. */
  readonly peak: number;
}

export async function readProcessMemory(pid: number): Promise<ProcessMemory> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const bytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
