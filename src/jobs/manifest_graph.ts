/** Which manifests stay because others do: children of indexes, referrers of subjects, signatures that a tag ties to a digest. */
import type { Digest } from "../core/digest.ts";
import type { ManifestFacts } from "../ports/inventory.ts";

export interface GraphNode {
  readonly digest: Digest;
  readonly pushedAt: number;
  readonly pulledAt: number | undefined;
  readonly subject: Digest | undefined;
  /** What an index points at. */
  readonly children: readonly Digest[];
  kept: boolean;
}

export class ManifestGraph {
  readonly #nodes = new Map<Digest, GraphNode>();
  /** What stays when the key stays. */
  readonly #followers = new Map<Digest, Digest[]>();

  add(
    { digest, pushedAt, pulledAt, subject }: ManifestFacts,
    children: readonly Digest[],
    kept: boolean,
  ): void {
    this.#nodes.set(digest, { digest, pushedAt, pulledAt, subject, children, kept });
    for (const child of children) this.#follow(digest, child);
    if (subject === undefined) return;
    this.#follow(subject, digest);
    // A referrer that stays, because it is tagged or new, keeps what it is about.
    this.#follow(digest, subject);
  }

  /** Lets `follower` stay when `leader` does. */
  tie(leader: Digest, follower: Digest): void {
    this.#follow(leader, follower);
  }

  has(digest: Digest): boolean {
    return this.#nodes.has(digest);
  }

  keep(digest: Digest): void {
    const node = this.#nodes.get(digest);
    if (node !== undefined) node.kept = true;
  }

  isKept(digest: Digest): boolean {
    return this.#nodes.get(digest)?.kept ?? false;
  }

  /** Lets everything stay that something which stays leads to. */
  keepReachable(): void {
    const waiting = [...this.#nodes.values()].filter(({ kept }) => kept).map(({ digest }) => digest);
    for (let leader = waiting.pop(); leader !== undefined; leader = waiting.pop()) {
      for (const follower of this.#followers.get(leader) ?? []) {
        const node = this.#nodes.get(follower);
        if (node === undefined || node.kept) continue;
        node.kept = true;
        waiting.push(follower);
      }
    }
  }

  /**
   * What does not stay, in groups of a subject with its referrers: a group goes as a whole or not at all. Groups with
   * indexes come first, since a manifest can go only when no index holds it any more.
   */
  groupsToRemove(): GraphNode[][] {
    const groups: GraphNode[][] = [];
    const seen = new Set<Digest>();
    const neighbours = this.#neighboursOfRemoved();
    for (const node of this.#nodes.values()) {
      if (node.kept || seen.has(node.digest)) continue;
      const group: GraphNode[] = [];
      const waiting = [node.digest];
      seen.add(node.digest);
      for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
        group.push(this.#nodes.get(digest)!);
        for (const next of neighbours.get(digest) ?? []) {
          if (seen.has(next)) continue;
          seen.add(next);
          waiting.push(next);
        }
      }
      groups.push(group);
    }
    const hasIndex = (group: GraphNode[]) => group.some(({ children }) => children.length > 0);
    return [...groups.filter(hasIndex), ...groups.filter((group) => !hasIndex(group))];
  }

  #neighboursOfRemoved(): Map<Digest, Digest[]> {
    const neighbours = new Map<Digest, Digest[]>();
    const link = (one: Digest, other: Digest): void => {
      if (this.#nodes.get(other)?.kept !== false) return;
      for (const [from, to] of [[one, other], [other, one]] as const) {
        const list = neighbours.get(from);
        if (list === undefined) neighbours.set(from, [to]);
        else list.push(to);
      }
    };
    for (const { digest, kept, subject } of this.#nodes.values()) {
      if (!kept && subject !== undefined) link(digest, subject);
    }
    return neighbours;
  }

  #follow(leader: Digest, follower: Digest): void {
    const list = this.#followers.get(leader);
    if (list === undefined) this.#followers.set(leader, [follower]);
    else list.push(follower);
  }
}
