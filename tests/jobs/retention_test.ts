/** Retention on the real store: what goes, what stays because something else does, and what stops a run. */
import assert from "node:assert/strict";
import { type RunRetention, runRetention } from "../../src/jobs/run_retention.ts";
import type { Digest } from "../../src/core/digest.ts";
import { OCI_INDEX } from "../../src/core/media_type.ts";
import { RetentionPolicies } from "../../src/policy/retention_policies.ts";
import type { Inventory } from "../../src/ports/inventory.ts";
import type { ManifestPush } from "../../src/ports/metadata_store.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { push, reference, repo, tag, type TempMetadata, TempStorage } from "../storage/temp_storage.ts";

const A = repo("a");
const DAY = 86_400_000;
const NOW = 1000 * DAY;

function rules(...texts: string[]): RetentionPolicies {
  const global = texts.map((text, i) => ({ text, file: "test.toml", line: i + 1, column: 1 }));
  return new RetentionPolicies({ global, repositories: [] });
}

function makeJob(metadata: TempMetadata, policies: RetentionPolicies, rest: Partial<RunRetention> = {}) {
  const { log, lines } = makeModelRegistry();
  const job: RunRetention = {
    inventory: metadata.inventory,
    policies,
    mustStay: () => false,
    clock: { now: () => NOW },
    log,
    historySince: undefined,
    youngSince: NOW - DAY,
    maxRemovalsPercent: 100,
    dryRun: false,
    signal: new AbortController().signal,
    progress: () => {},
    ...rest,
  };
  return { job, lines };
}

/** Pushed so many days ago; the tags say so too. */
function image(
  text: string,
  daysAgo: number,
  tags: string[] = [],
  rest: Partial<ManifestPush> = {},
): ManifestPush {
  return push(A, text, { tags: tags.map(tag), at: NOW - daysAgo * DAY, ...rest });
}

function index(
  text: string,
  daysAgo: number,
  tags: string[],
  children: readonly ManifestPush[],
): ManifestPush {
  return image(text, daysAgo, tags, {
    mediaType: OCI_INDEX,
    references: children.map(({ digest, bytes }) => reference("child", digest, bytes.length)),
  });
}

/** The same inventory but for some methods. */
function withOther(inventory: Inventory, methods: Partial<Inventory>): Inventory {
  return new Proxy(inventory, {
    get(target, name: keyof Inventory) {
      return methods[name] ?? (target[name] as (...args: unknown[]) => unknown).bind(target);
    },
  });
}

async function open(...pushes: ManifestPush[]) {
  const storage = new TempStorage();
  const metadata = storage.openMetadata();
  for (const each of pushes) await metadata.store.putManifest(each);
  return {
    metadata,
    async left() {
      const tags = await metadata.store.listTags(A, { limit: 100 });
      const manifests = metadata.rows("SELECT CAST(bytes AS TEXT) AS text FROM content").map(({ text }) =>
        text
      );
      return { tags, manifests: manifests.sort() };
    },
    [Symbol.dispose]() {
      metadata[Symbol.dispose]();
      storage[Symbol.dispose]();
    },
  };
}

Deno.test("tags that no rule keeps go, with the manifests that nothing names any more, and each is logged", async () => {
  using store = await open(
    image("old", 90, ["v1"]),
    image("new", 2, ["v2"]),
    image("old latest", 90, ["latest"]),
  );
  const { job, lines } = makeJob(
    store.metadata,
    rules("image.tag == 'latest'", "image.pushed_at > now() - days(30)"),
  );
  const report = await runRetention(job);
  assert.deepEqual(await store.left(), { tags: ["latest", "v2"], manifests: ["new", "old latest"] });
  assert.deepEqual([report.tags, report.manifests, report.judged], [1, 1, {
    repositories: 1,
    tags: 3,
    manifests: 3,
  }]);
  const removed = lines.filter(({ message }) => message === "retention removed");
  assert.deepEqual(removed.map(({ fields }) => [fields?.tag, fields?.why, fields?.rules]), [
    ["v1", "no rule keeps it", ["test.toml:1", "test.toml:2"]],
    [undefined, "no tag, index or subject that stays leads to it, and no rule keeps it", [
      "test.toml:1",
      "test.toml:2",
    ]],
  ]);
});

Deno.test("a dry run says what a run then does, and changes nothing", async () => {
  using store = await open(image("old", 90, ["v1", "v2"]), image("new", 2, ["v3"]));
  const before = await store.left();
  const policies = rules("image.pushed_at > now() - days(30)");
  const dry = await runRetention(makeJob(store.metadata, policies, { dryRun: true }).job);
  assert.deepEqual(await store.left(), before);
  const wet = await runRetention(makeJob(store.metadata, policies).job);
  assert.deepEqual(dry.removals, wet.removals);
});

Deno.test("without rules everything stays", async () => {
  using store = await open(image("old", 900, ["v1"]), image("untagged", 900));
  const report = await runRetention(makeJob(store.metadata, rules()).job);
  assert.deepEqual([report.tags, report.manifests, report.judged.repositories], [0, 0, 0]);
});

Deno.test("what the history can restore stays, until it is forgotten", async () => {
  using store = await open(image("old", 90, ["v1"]));
  const policies = rules("image.tag == 'latest'");
  const report = await runRetention(makeJob(store.metadata, policies, { historySince: NOW - 30 * DAY }).job);
  assert.deepEqual([report.tags, report.manifests], [1, 0]);
  assert.deepEqual(await store.left(), { tags: [], manifests: ["old"] });
  const again = (days: number) => {
    const now = NOW + days * DAY;
    return runRetention(
      makeJob(store.metadata, policies, {
        historySince: now - 30 * DAY,
        youngSince: now - DAY,
        clock: { now: () => now },
      }).job,
    );
  };
  assert.equal((await again(29)).manifests, 0);
  assert.equal((await again(31)).manifests, 1);
});

Deno.test("children of a kept index stay, those of one that goes go with it", async () => {
  const [a, b, c] = [image("a", 90), image("b", 90), image("c", 90)] as const;
  using store = await open(a, b, c, index("kept", 90, ["latest"], [a, b]), index("gone", 90, ["v1"], [b, c]));
  await runRetention(makeJob(store.metadata, rules("image.tag == 'latest'")).job);
  assert.deepEqual(await store.left(), { tags: ["latest"], manifests: ["a", "b", "kept"] });
});

Deno.test("what indexes share goes when the last of them has gone, and stays with one that stays", async () => {
  const [shared, own, top] = [image("shared", 90), image("own", 90), image("top", 90)] as const;
  const inner = index("inner", 90, [], [own, shared]);
  using store = await open(
    shared,
    own,
    top,
    inner,
    index("one", 90, ["v1"], [shared, inner]),
    index("two", 90, ["v2"], [shared, top]),
  );
  const { store: rows, inventory } = store.metadata;
  const report = await runRetention(makeJob(store.metadata, rules("image.tag == 'v2'")).job);
  assert.equal(report.manifests, 3);
  assert.deepEqual((await store.left()).manifests, ["shared", "top", "two"]);
  // The index is tagged again before it can go.
  const late = withOther(inventory, {
    removeManifests: async (group) => {
      await rows.putManifest(index("two", 0, ["v3"], [shared, top]));
      return await inventory.removeManifests(group);
    },
  });
  await rows.deleteTag(A, tag("v2"), NOW);
  assert.equal(
    (await runRetention(makeJob(store.metadata, rules("false"), { inventory: late }).job)).manifests,
    0,
  );
  assert.deepEqual((await store.left()).manifests, ["shared", "top", "two"]);
});

Deno.test("a manifest with more referrers than one transaction should take stays, and the log says so", async () => {
  const subject = image("subject", 90);
  using store = await open(subject);
  store.metadata.database.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO content (digest, bytes) SELECT 'sha256:' || printf('%064x', i), x'00' FROM n;
    INSERT INTO manifest (repository, digest, media_type, size, subject, pushed_at)
      SELECT 1, digest, 'm', 1, '${subject.digest}', 1 FROM content WHERE bytes = x'00'`);
  const { job, lines } = makeJob(store.metadata, rules("false"));
  assert.equal((await runRetention(job)).manifests, 0);
  assert.match(lines.find(({ level }) => level === "warn")!.message, /too many referrers/);
  await store.metadata.store.deleteManifest(A, `sha256:${"1".padStart(64, "0")}` as Digest, NOW);
  assert.equal((await runRetention(job)).manifests, 5000);
});

Deno.test("referrers follow their subject: with a kept one they stay, with one that goes they go, whatever the rules say of them", async () => {
  const [kept, gone] = [image("kept", 90, ["latest"]), image("gone", 90, ["v1"])] as const;
  const signature = image("signature", 90, [], { subject: kept.digest });
  using store = await open(
    kept,
    gone,
    signature,
    image("signature of the signature", 90, [], { subject: signature.digest }),
    image("new signature of what goes", 5, [], { subject: gone.digest }),
  );
  await runRetention(
    makeJob(
      store.metadata,
      rules(
        "image.tag == 'latest'",
        "image.tag == '' && top_pushed(1) || image.pushed_at > now() - days(30)",
      ),
    ).job,
  );
  assert.deepEqual((await store.left()).manifests, ["kept", "signature", "signature of the signature"]);
});

Deno.test("a referrer that a kept tag names keeps what it is about", async () => {
  const subject = image("subject", 90);
  using store = await open(subject, image("sbom", 90, ["latest"], { subject: subject.digest }));
  await runRetention(makeJob(store.metadata, rules("image.tag == 'latest'")).job);
  assert.deepEqual((await store.left()).manifests, ["sbom", "subject"]);
});

Deno.test("tags that cosign makes of a digest go or stay with it, and take no place among the last pushed", async () => {
  const [kept, gone] = [image("kept", 3, ["v2"]), image("gone", 4, ["v1"])] as const;
  const signatureOf = (of: ManifestPush) => `${of.digest.replace(":", "-")}.sig`;
  using store = await open(
    kept,
    gone,
    image("signature", 1, [signatureOf(kept)]),
    image("signature of what goes", 1, [signatureOf(gone)]),
    image("signature of nothing", 1, [`sha256-${"0".repeat(64)}.att`]),
  );
  await runRetention(makeJob(store.metadata, rules("top_pushed(1)"), { youngSince: NOW }).job);
  assert.deepEqual(await store.left(), { tags: [signatureOf(kept), "v2"], manifests: ["kept", "signature"] });
});

Deno.test("a manifest without a tag stays for a grace, since the index that names it may be on its way", async () => {
  using store = await open(image("under way", 0.5), image("left over", 2));
  await runRetention(makeJob(store.metadata, rules("image.tag != ''")).job);
  assert.deepEqual((await store.left()).manifests, ["under way"]);
});

Deno.test("a manifest without a tag that was asked for a moment ago stays, since a push may count on it", async () => {
  using store = await open(image("asked for", 90), image("left over", 90));
  const { store: rows, inventory } = store.metadata;
  const ask = (text: string) =>
    rows.recordPulls([{
      repository: A,
      digest: image(text, 0).digest,
      tag: undefined,
      client: "anna",
      at: NOW,
    }]);
  await ask("asked for");
  const late = withOther(inventory, {
    removeManifests: async (group) => {
      await ask("left over");
      return await inventory.removeManifests(group);
    },
  });
  assert.equal(
    (await runRetention(makeJob(store.metadata, rules("false"), { inventory: late }).job)).manifests,
    0,
  );
  assert.deepEqual((await store.left()).manifests, ["asked for", "left over"]);
});

Deno.test("a tag made of a digest that a rule keeps stays, whatever becomes of the digest", async () => {
  const gone = image("gone", 90);
  const tagged = `${gone.digest.replace(":", "-")}.att`;
  using store = await open(gone, image("attestation", 90, [tagged]));
  await runRetention(makeJob(store.metadata, rules("image.tag != ''")).job);
  assert.deepEqual(await store.left(), { tags: [tagged], manifests: ["attestation"] });
});

Deno.test("tags that must stay stay, with all that belongs to them", async () => {
  const child = image("child", 90);
  using store = await open(child, index("index", 90, ["v1"], [child]));
  await runRetention(makeJob(store.metadata, rules("false"), { mustStay: () => true }).job);
  assert.deepEqual(await store.left(), { tags: ["v1"], manifests: ["child", "index"] });
});

Deno.test("a rule that fails keeps, and the log hears of it once", async () => {
  using store = await open(image("one", 90, ["v1"]), image("two", 90, ["v2"]));
  const { job, lines } = makeJob(store.metadata, rules("1 / image.pulled_count > 0"));
  const report = await runRetention(job);
  assert.equal(report.tags, 0);
  const warnings = lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1);
  assert.deepEqual(warnings[0]?.fields?.rule, "test.toml:1");
});

Deno.test("a plan that would remove more than its share removes nothing, and says what to do", async () => {
  using store = await open(image("a", 90, ["v1"]), image("b", 90, ["v2"]), image("c", 1, ["v3"]));
  const before = await store.left();
  const { job, lines } = makeJob(store.metadata, rules("image.pushed_at > now() - days(30)"), {
    maxRemovalsPercent: 50,
  });
  const report = await runRetention(job);
  assert.deepEqual(await store.left(), before);
  assert.match(
    report.stopped!,
    /^2 of 3 tags \(66 %\) would go, more than max_removals_percent = 50 allows: .* "retention --max-removals-percent 67"$/,
  );
  assert.deepEqual(lines.map(({ level, message }) => [level, message]), [[
    "error",
    "retention removed nothing",
  ]]);
  assert.equal((await runRetention({ ...job, maxRemovalsPercent: 67 })).tags, 2);
});

Deno.test("what changes between plan and removal stays: a tag that moves, a tag that comes, a referrer that comes", async () => {
  const [moved, tagged, signed] = [
    image("moved", 90, ["v1"]),
    image("tagged", 90),
    image("signed", 90),
  ] as const;
  using store = await open(moved, tagged, signed);
  const { metadata } = store;
  const inventory = withOther(metadata.inventory, {
    // The first write of the run: all plans are made.
    removeTags: async (...args: Parameters<typeof metadata.inventory.removeTags>) => {
      await metadata.store.putManifest(image("successor", 0, ["v1"]));
      await metadata.store.putManifest({ ...tagged, tags: [tag("v2")] });
      await metadata.store.putManifest(image("signature", 0, [], { subject: signed.digest }));
      return await metadata.inventory.removeTags(...args);
    },
  });
  const report = await runRetention(makeJob(metadata, rules("false"), { inventory }).job);
  assert.deepEqual(
    [report.tags, report.manifests],
    [0, 1],
    "only the manifest that lost its tag to another push",
  );
  assert.deepEqual(await store.left(), {
    tags: ["v1", "v2"],
    manifests: ["signature", "signed", "successor", "tagged"],
  });
});

Deno.test("rules judge by size, annotations and pulls, and a pull in between keeps a tag", async () => {
  using store = await open(
    image("large", 90, ["large"]),
    image("x".repeat(100), 90, ["larger"]),
    image("annotated", 90, ["annotated"], { annotations: { keep: "yes" } }),
    image("pulled", 90, ["pulled"]),
    image("popular", 90, ["popular"]),
  );
  const { store: rows, inventory } = store.metadata;
  const pull = async (name: string, at: number) => {
    const digest = (await rows.findManifest(A, { kind: "tag", tag: tag(name) }))!.digest;
    await rows.recordPulls([{ repository: A, digest, tag: tag(name), client: "anna", at }]);
  };
  await pull("pulled", NOW - DAY);
  for (let n = 0; n < 3; n++) await pull("popular", NOW - 80 * DAY);
  const policies = rules(
    "image.size >= 100",
    "image.annotations['keep'] == 'yes'",
    "image.last_pulled_at > now() - days(7)",
    "image.pulled_count >= 3",
  );
  const late = withOther(inventory, {
    removeTags: async (...args: Parameters<typeof inventory.removeTags>) => {
      await pull("large", NOW);
      return await inventory.removeTags(...args);
    },
  });
  assert.equal(
    (await runRetention(makeJob(store.metadata, policies, { inventory: late, dryRun: true }).job)).tags,
    1,
  );
  assert.equal((await runRetention(makeJob(store.metadata, policies, { inventory: late }).job)).tags, 0);
  assert.deepEqual((await store.left()).tags, ["annotated", "large", "larger", "popular", "pulled"]);
});

Deno.test("a run that is told to end while it judges removes nothing, and says why", async () => {
  using store = await open(image("old", 90, ["v1"]), image("older", 99, ["v2"]));
  const stop = new AbortController();
  const inventory = withOther(store.metadata.inventory, {
    listManifestFacts: (...args) => {
      stop.abort();
      return store.metadata.inventory.listManifestFacts(...args);
    },
  });
  const { job, lines } = makeJob(store.metadata, rules("false"), { inventory, signal: stop.signal });
  const report = await runRetention(job);
  assert.match(report.stopped!, /told to end before everything was judged/);
  assert.deepEqual(lines.map(({ level, message }) => `${level} ${message}`), [
    "info retention removed nothing",
  ]);
  assert.deepEqual(await store.left(), { tags: ["v1", "v2"], manifests: ["old", "older"] });
});

Deno.test("a run that is told to end while it removes lets go after the transaction under way, and reports that one", async () => {
  const images = Array.from({ length: 300 }, (_, i) => image(`image ${i}`, 90, [`v${i}`]));
  using store = await open(...images);
  const stop = new AbortController();
  const inventory = withOther(store.metadata.inventory, {
    removeTags: async (...args) => {
      stop.abort();
      return await store.metadata.inventory.removeTags(...args);
    },
  });
  const { job } = makeJob(store.metadata, rules("false"), { inventory, signal: stop.signal });
  const report = await runRetention(job);
  assert.deepEqual([report.tags, report.manifests], [200, 0]);
  const left = await store.left();
  assert.deepEqual([left.tags.length, left.manifests.length], [100, 300]);
});
