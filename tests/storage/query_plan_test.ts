/** No statement of a request walks through a table: the plan of each is read, without statistics and with any. */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { GARBAGE_QUERIES } from "../../src/storage/sqlite/garbage_queries.ts";
import { INVENTORY_QUERIES } from "../../src/storage/sqlite/inventory_queries.ts";
import { QUERIES } from "../../src/storage/sqlite/queries.ts";
import { SCRUB_QUERIES } from "../../src/storage/sqlite/scrub_queries.ts";
import { WRITE_SQL } from "../../src/storage/sqlite/write_statements.ts";
import { fakeDigest, TempStorage } from "./temp_storage.ts";

/** Holders of one blob are sorted by name, 1,000 at most, see queries.ts. */
const MAY_SORT = new Set(["holders"]);

const STATEMENTS = Object.entries({
  ...QUERIES,
  ...prefixed(WRITE_SQL, "write"),
  ...prefixed(INVENTORY_QUERIES, "inventory"),
  ...prefixed(SCRUB_QUERIES, "scrub"),
  ...prefixed(GARBAGE_QUERIES, "garbage"),
}).filter(([name]) => name !== "dataVersion");

function prefixed(statements: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(Object.entries(statements).map(([name, sql]) => [`${prefix} ${name}`, sql]));
}

function planOf(database: DatabaseSync, sql: string): string[] {
  return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => detail as string);
}

function checkPlans(database: DatabaseSync): void {
  for (const [name, sql] of STATEMENTS) {
    for (const step of planOf(database, sql)) {
      // A walk from content to content scans nothing but what it has reached, and a list in a parameter is short.
      const scans = /^SCAN (?!CONSTANT ROW|reached$|json_each )/.test(step) &&
        !(MAY_SORT.has(name) && step.includes("subquery"));
      assert.ok(!scans, `${name} scans: ${step}`);
      assert.ok(MAY_SORT.has(name) || !step.includes("TEMP B-TREE"), `${name} sorts: ${step}`);
    }
  }
}

interface Shape {
  readonly repositories: number;
  /** Manifests and tags of each repository. */
  readonly manifests: number;
  /** Of them, the part with a subject. */
  readonly referrers: number;
  readonly sessions: number;
}

function fill(database: DatabaseSync, shape: Shape): void {
  database.exec("BEGIN");
  const insert = (table: string, ...values: (string | number | null | Uint8Array)[]): void => {
    database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join()})`).run(...values);
  };
  const subject = fakeDigest(0xffff);
  insert("blob", fakeDigest(0), 1, "file", 1);
  for (let r = 1; r <= shape.repositories; r++) {
    insert("repository (id, name, created_at)", r, `repository-${r}`, 1);
    insert("hold", r, fakeDigest(0), 1);
    for (let m = 1; m <= shape.manifests; m++) {
      const [id, digest] = [r * 100_000 + m, fakeDigest(r * 100_000 + m)];
      const refers = m <= shape.referrers;
      insert("content", id, digest, new Uint8Array(10));
      insert(
        "manifest (id, repository, digest, media_type, size, subject, artifact_type, annotations, pushed_at)",
        id,
        r,
        digest,
        "t",
        10,
        refers ? subject : null,
        refers ? `type-${m % 3}` : null,
        null,
        1,
      );
      insert("manifest_reference", r, digest, "layer", fakeDigest(0));
      insert("tag (repository, name, digest, pushed_at)", r, `tag-${m}`, digest, 1);
      insert("tag_history", null, r, `tag-${m}`, digest, null, 1);
      if (m === 0) insert("small_blob", null, fakeDigest(r), new Uint8Array(10));
      insert("pull", r, digest, `tag-${m}`, "somebody", m);
    }
  }
  for (let s = 0; s < shape.sessions; s++) {
    insert("upload_session", crypto.randomUUID(), "a", null, s, "", s % 2);
  }
  database.exec("COMMIT");
}

const SHAPES: Record<string, Shape> = {
  "without any rows": { repositories: 0, manifests: 0, referrers: 0, sessions: 0 },
  "with many small repositories": { repositories: 1500, manifests: 1, referrers: 0, sessions: 1000 },
  "with one large repository": { repositories: 1, manifests: 2000, referrers: 5, sessions: 1 },
  "where all manifests refer to one subject": {
    repositories: 2,
    manifests: 1000,
    referrers: 1000,
    sessions: 0,
  },
};

for (const [what, shape] of Object.entries(SHAPES)) {
  Deno.test(`no statement scans or sorts in a database ${what}, before and after ANALYZE`, () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    fill(metadata.database, shape);
    checkPlans(metadata.database);
    metadata.database.exec("ANALYZE");
    // Statistics are read when a connection opens.
    metadata.database.exec("ANALYZE sqlite_schema");
    checkPlans(metadata.database);
  });
}

Deno.test("each listing and each walk by digest uses the index that was made for it", () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const expected: [string, string, RegExp][] = [
    ["tags", QUERIES.tags, /tag USING PRIMARY KEY \(repository=\? AND name>\?\)/],
    ["referrers", QUERIES.referrers, /manifest_by_subject \(repository=\? AND subject=\? AND digest>\?\)/],
    [
      "referrersOfType",
      QUERIES.referrersOfType,
      /manifest_by_subject_and_type \(repository=\? AND subject=\? AND artifact_type=\? AND digest>\?\)/,
    ],
    ["takeTagsOf", WRITE_SQL.takeTagsOf, /tag_by_digest \(repository=\? AND digest=\?\)/],
    ["takeUnheldBlob", WRITE_SQL.takeUnheldBlob, /hold_by_digest \(digest=\?\)/],
    ["deleteUnusedContent", WRITE_SQL.deleteUnusedContent, /manifest_by_digest \(digest=\?\)/],
  ];
  fill(metadata.database, SHAPES["with one large repository"]!);
  metadata.database.exec("ANALYZE; ANALYZE sqlite_schema");
  for (const [name, sql, plan] of expected) {
    const steps = planOf(metadata.database, sql);
    assert.ok(steps.some((step) => plan.test(step)), `${name}: ${steps.join("; ")}`);
  }
});
