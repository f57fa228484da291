/** Random pushes, moves, deletes and retention: what a tag, an index, a subject or the history leads to is never lost. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { OCI_INDEX } from "../../src/core/media_type.ts";
import type { Digest } from "../../src/core/digest.ts";
import { runRetention } from "../../src/jobs/run_retention.ts";
import { pruneHistory } from "../../src/jobs/prune_history.ts";
import { RetentionPolicies } from "../../src/policy/retention_policies.ts";
import type { ManifestPush } from "../../src/ports/metadata_store.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { push, reference, repo, tag, type TempMetadata, TempStorage } from "../storage/temp_storage.ts";

const A = repo("a");
const HOUR = 3_600_000;
const HISTORY = 24 * HOUR;
const GRACE = 2 * HOUR;
const TAGS = ["latest", "v1", "v2"].map(tag);

/** Four images, two indexes over them, two referrers, and one of a referrer. */
const IMAGES = ["one", "two", "three", "four"].map((text) => push(A, text));
const INDEXES = [[0, 1], [1, 2]].map((children) =>
  push(A, `index ${children}`, {
    mediaType: OCI_INDEX,
    references: children.map((i) => reference("child", IMAGES[i]!.digest)),
  })
);
const SIGNATURES = [IMAGES[0]!, INDEXES[1]!].map(({ digest }, i) =>
  push(A, `signature ${i}`, { subject: digest })
);
const OF_SIGNATURE = push(A, "signature of a signature", { subject: SIGNATURES[0]!.digest });
const ALL = [...IMAGES, ...INDEXES, ...SIGNATURES, OF_SIGNATURE];

const RULES = ["image.tag == 'latest'", "top_pushed(1)", "image.pushed_at > now() - hours(6)"];
/** Keeps nothing, so that retention gets far more often. */
const NOTHING = ["false"];

/** What must be there: kept by hand, from what was done. */
class Expected {
  readonly manifests = new Map<Digest, { push: ManifestPush; pushedAt: number }>();
  readonly tags = new Map<string, Digest>();
  /** When a tag last lost a manifest. */
  readonly lost = new Map<Digest, number>();

  put(pushed: ManifestPush, now: number): void {
    this.manifests.set(pushed.digest, { push: pushed, pushedAt: now });
    for (const name of pushed.tags) this.#name(name, pushed.digest, now);
  }

  dropTag(name: string, now: number): void {
    this.#name(name, undefined, now);
  }

  dropManifest(digest: Digest, now: number): void {
    this.manifests.delete(digest);
    for (const [name, named] of this.tags) if (named === digest) this.#name(name, undefined, now);
  }

  /** Manifests that tags, a recent push or the history lead to, by index and subject. */
  reachable(now: number): Set<Digest> {
    const reached = new Set<Digest>();
    const waiting: Digest[] = [...this.tags.values()];
    for (const [digest, at] of this.lost) if (at >= now - HISTORY) waiting.push(digest);
    for (const [digest, { pushedAt }] of this.manifests) if (now - pushedAt < GRACE) waiting.push(digest);
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      const manifest = this.manifests.get(digest);
      if (manifest === undefined || reached.has(digest)) continue;
      reached.add(digest);
      if (manifest.push.subject !== undefined) waiting.push(manifest.push.subject);
      for (const child of manifest.push.references) waiting.push(child.digest);
      for (const [other, { push }] of this.manifests) if (push.subject === digest) waiting.push(other);
    }
    return reached;
  }

  #name(name: string, digest: Digest | undefined, now: number): void {
    const before = this.tags.get(name);
    if (before !== undefined && before !== digest) this.lost.set(before, now);
    if (digest === undefined) this.tags.delete(name);
    else this.tags.set(name, digest);
  }
}

interface World {
  readonly metadata: TempMetadata;
  readonly expected: Expected;
  now: number;
  /** Manifests that retention took. */
  removed: number;
}

type Step = (world: World) => Promise<void>;

const manifest = fc.constantFrom(...ALL);
const name = fc.constantFrom(...TAGS);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(manifest, fc.uniqueArray(name, { maxLength: 2 })).map(([which, tags]) =>
      named(`push ${tags}`, async (world) => {
        const pushed = { ...which, tags, at: world.now };
        await world.metadata.store.putManifest(pushed);
        world.expected.put(pushed, world.now);
      })
    ),
  },
  {
    weight: 2,
    arbitrary: name.map((which) =>
      named(`delete ${which}`, async ({ metadata, expected, now }) => {
        await metadata.store.deleteTag(A, which, now);
        expected.dropTag(which, now);
      })
    ),
  },
  {
    weight: 1,
    arbitrary: manifest.map(({ digest }) =>
      named(`delete ${digest}`, async ({ metadata, expected, now }) => {
        await metadata.store.deleteManifest(A, digest, now);
        expected.dropManifest(digest, now);
      })
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, manifest).map(([which, { digest }]) =>
      named("restore", async ({ metadata, expected, now }) => {
        const outcome = await metadata.store.restoreTag({
          repository: A,
          tag: which,
          digest,
          immutable: false,
          at: now,
        });
        if (outcome.kind !== "restored") return;
        if (outcome.previous !== undefined && outcome.previous !== digest) {
          expected.lost.set(outcome.previous, now);
        }
        expected.tags.set(which, digest);
      })
    ),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 60 }).map((hours) =>
      named(`${hours} h pass`, async (world) => {
        world.now += hours * HOUR;
      })
    ),
  },
  {
    weight: 4,
    arbitrary: fc.oneof(fc.subarray(RULES, { minLength: 1 }), fc.constant(NOTHING)).map((rules) =>
      named(`retain ${rules}`, retain(rules))
    ),
  },
);

function named(what: string, run: Step): Step {
  return Object.assign((world: World) => run(world), { [fc.toStringMethod]: () => what });
}

function retain(rules: readonly string[]): Step {
  return async (world) => {
    const { metadata, expected, now } = world;
    const { log } = makeModelRegistry();
    const clock = { now: () => now };
    const reachable = expected.reachable(now);
    await pruneHistory({ metadata: metadata.store, clock, tagHistoryMs: HISTORY, pullHistoryMs: 0 });
    const report = await runRetention({
      inventory: metadata.inventory,
      policies: new RetentionPolicies({
        global: rules.map((text, i) => ({ text, file: "", line: i, column: 1 })),
        repositories: [],
      }),
      mustStay: () => false,
      clock,
      log,
      tagHistoryMs: HISTORY,
      graceMs: GRACE,
      maxRemovalsPercent: 100,
      dryRun: false,
      progress: () => {},
    });
    world.removed += report.manifests;
    for (const removal of report.removals) {
      if (removal.tag === undefined) {
        assert.ok(!reachable.has(removal.digest as Digest), `something led to ${removal.digest}`);
        expected.manifests.delete(removal.digest as Digest);
      } else {
        assert.ok(!rules.includes("image.tag == 'latest'") || removal.tag !== "latest", "a rule keeps it");
        expected.dropTag(removal.tag, now);
      }
    }
  };
}

async function assertKept({ metadata, expected, now }: World): Promise<void> {
  const rows = metadata.rows("SELECT digest FROM manifest").map(({ digest }) => digest as Digest);
  assert.deepEqual(rows.toSorted(), [...expected.manifests.keys()].sort(), "what goes is reported, and goes");
  const tags = metadata.rows("SELECT name, digest FROM tag").map(({ name, digest }) => [name, digest]);
  assert.deepEqual(tags.toSorted(), [...expected.tags].sort());
  for (const digest of expected.reachable(now)) assert.ok(rows.includes(digest));
}

Deno.test("after any sequence of pushes, moves, deletes, restores and retention all that something leads to is there", async () => {
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      using storage = new TempStorage();
      using metadata = storage.openMetadata();
      const world: World = { metadata, expected: new Expected(), now: 1000 * HOUR, removed: 0 };
      for (const run of steps) {
        await run(world);
        await assertKept(world);
      }
      removed += world.removed;
    }),
    { numRuns: 100 },
  );
  assert.ok(removed > 10, `retention took ${removed} manifests: the steps do not get far enough`);
});
