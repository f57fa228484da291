/** Sockets that the service manager opened and hands over: sd_listen_fds(3). */

/** The first descriptor that is handed over. */
const FIRST = 3;

export interface ActivatedSocket {
  readonly fd: number;
  /** Its `FileDescriptorName=`. */
  readonly name: string;
}

/**
 * Reads LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES.
 *
 * @param pid of this process; sockets for another are none
 */
export function findActivatedSockets(
  env: (name: string) => string | undefined,
  pid: number,
): readonly ActivatedSocket[] {
  const count = Number(env("LISTEN_FDS") ?? "");
  if (env("LISTEN_PID") !== String(pid) || !Number.isSafeInteger(count) || count <= 0) return [];
  const names = (env("LISTEN_FDNAMES") ?? "").split(":");
  return Array.from(
    { length: count },
    (_, index) => ({ fd: FIRST + index, name: names[index] || "unknown" }),
  );
}
