/** Retention of a large repository: fast, and never long at a stretch. */
import assert from "node:assert/strict";
import { runRetention } from "../../src/jobs/run_retention.ts";
import { RetentionPolicies } from "../../src/policy/retention_policies.ts";
import { inTries } from "../harness/tries.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { push, repo, TempStorage } from "../storage/temp_storage.ts";

const TAGS = 100_000;

Deno.test(
  "100,000 tags are judged in less than 10 s, and other work gets its turn all the time",
  inTries(async () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    await metadata.store.putManifest(push(repo("a"), "m"));
    metadata.database.exec(`
    BEGIN;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${TAGS})
      INSERT INTO content (digest, bytes) SELECT 'sha256:' || printf('%064x', i), x'00' FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${TAGS})
      INSERT INTO manifest (repository, digest, media_type, size, pushed_at)
      SELECT 1, 'sha256:' || printf('%064x', i), 'application/vnd.oci.image.manifest.v1+json', 1, i FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${TAGS})
      INSERT INTO tag (repository, name, digest, pushed_at)
      SELECT 1, 'v1.' || i, 'sha256:' || printf('%064x', i), i FROM n;
    COMMIT`);
    let longest = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const { log } = makeModelRegistry();
    const global = ["image.tag == 'latest'", "semver(image.tag) >= semver('1.50000')", "top_pushed(60000)"];
    const start = performance.now();
    const report = await runRetention({
      inventory: metadata.inventory,
      policies: new RetentionPolicies({
        global: global.map((text, i) => ({ text, file: "", line: i, column: 1 })),
        repositories: [],
      }),
      mustStay: () => false,
      clock: { now: () => 1000 * 86_400_000 },
      log,
      historySince: 999 * 86_400_000,
      youngSince: 999 * 86_400_000,
      maxRemovalsPercent: 100,
      dryRun: true,
      signal: new AbortController().signal,
      progress: () => {},
    });
    const took = performance.now() - start;
    clearInterval(watch);
    assert.deepEqual([report.judged.tags, report.tags], [TAGS, 40_000]);
    assert.ok(took < 10_000, `took ${took} ms`);
    // A sort of 100,000 times is the longest piece. It holds up the main thread only, which answers no requests.
    assert.ok(longest < 1000, `nothing else ran for ${longest} ms`);
  }),
);
