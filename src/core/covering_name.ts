/** Which configured repository a name belongs to: its own, or the nearest one above it. */

/** The value of the entry that is `name` or the nearest above it (`team` covers `team/app`); undefined where none is. */
export function findCovering<T>(byName: ReadonlyMap<string, T>, name: string): T | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
    const found = byName.get(name.slice(0, end));
    if (found !== undefined) return found;
  }
  return undefined;
}
