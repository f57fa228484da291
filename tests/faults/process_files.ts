/** What the system knows of a process: its open files and its time. */

/** Descriptors that are open. */
export function openFilesOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Seconds of CPU so far, of all threads. */
export function cpuSecondsOf(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  // utime and stime, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
