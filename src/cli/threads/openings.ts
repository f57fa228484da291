/** Which HTTP thread opens which listener. */
import type { ListenerSettings } from "../../config/settings.ts";
import type { ActivatedSocket } from "../../server/activated_sockets.ts";
import type { OpenAt } from "../../server/opened.ts";

export interface Opening {
  readonly listener: ListenerSettings;
  readonly at: OpenAt;
}

/** A socket was handed over that no listener is configured for. */
export class UnknownSocket extends Error {
  override readonly name = "UnknownSocket";
}

/**
 * Threads share TCP ports. A unix socket is opened by the first thread, and of the sockets that systemd hands over each by
 * one: the system has no way to let several threads accept on them.
 *
 * @param threads the most that there shall be
 * @returns what each opens: a list for each thread that opens something
 * @throws {UnknownSocket}
 */
export function planOpenings(
  listeners: readonly ListenerSettings[],
  sockets: readonly ActivatedSocket[],
  threads: number,
): readonly (readonly Opening[])[] {
  const plans = Array.from({ length: threads }, (): Opening[] => []);
  const byListener = assignSockets(listeners, sockets);
  for (const listener of listeners) {
    const handed = byListener.get(listener.name) ?? [];
    handed.forEach(({ fd }, index) => {
      plans[index % threads]!.push({ listener, at: { kind: "descriptor", fd } });
    });
    if (handed.length > 0) continue;
    for (const plan of listener.at.kind === "tcp" ? plans : plans.slice(0, 1)) {
      plan.push({ listener, at: listener.at });
    }
  }
  return plans.filter((plan) => plan.length > 0);
}

/** By name of the listener. The one that [server] itself describes takes all, whatever their names. */
function assignSockets(
  listeners: readonly ListenerSettings[],
  sockets: readonly ActivatedSocket[],
): Map<string, ActivatedSocket[]> {
  const [first] = listeners;
  if (first?.name === "") return new Map([["", [...sockets]]]);
  const known = new Set(listeners.map(({ name }) => name));
  const unknown = sockets.find(({ name }) => !known.has(name));
  if (unknown !== undefined) {
    throw new UnknownSocket(
      `A socket named "${unknown.name}" was handed over, and there is no [server.listener.${unknown.name}]: ` +
        "write FileDescriptorName= with the name of a listener into its socket unit",
    );
  }
  return Map.groupBy(sockets, ({ name }) => name);
}

/** The plans with the ports that the system chose where they say 0. `opened`: by listener. */
export function withPorts(
  plans: readonly (readonly Opening[])[],
  portOf: (listener: ListenerSettings) => number | undefined,
): readonly (readonly Opening[])[] {
  return plans.map((plan) =>
    plan.map(({ listener, at }) => {
      return at.kind === "tcp" && at.port === 0
        ? { listener, at: { ...at, port: portOf(listener) ?? 0 } }
        : { listener, at };
    })
  );
}

/** True where a thread opens what only one can: once it has ended, nobody can open it again in this process. */
export function holdsDescriptor(plan: readonly Opening[]): boolean {
  return plan.some(({ at }) => at.kind === "descriptor");
}
