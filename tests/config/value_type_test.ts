/** Sizes, durations, numbers and booleans, from the file and from the environment. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDuration } from "../../src/config/parse_duration.ts";
import { parseSize } from "../../src/config/parse_size.ts";
import { placeOf } from "./listening_at.ts";
import { load, problemsOf } from "./load_text.ts";

for (
  const [text, bytes] of [
    ["0B", 0n],
    ["512b", 512n],
    ["5GiB", 5n * 1024n ** 3n],
    ["5 gib", 5n * 1024n ** 3n],
    ["5GB", 5_000_000_000n],
    ["1.5KiB", 1536n],
    ["0.1MB", 100_000n],
    ["3TiB", 3n * 1024n ** 4n],
    ["2PB", 2_000_000_000_000_000n],
  ] as const
) {
  Deno.test(`parseSize() reads "${text}"`, () => assert.equal(parseSize(text), bytes));
}

for (
  const text of [
    "",
    "5",
    "5G",
    "5iB",
    "-5MB",
    "5  MB",
    " 5MB",
    "5MB\n",
    "1e3MB",
    ".5MB",
    "5.MB",
    "5EB",
    "1,5MB",
  ]
) {
  Deno.test(`parseSize() refuses ${JSON.stringify(text)}`, () => assert.equal(parseSize(text), undefined));
}

Deno.test("parseSize() is exact for every whole number of every unit", () => {
  const units = [["B", 1n], ["KiB", 1024n], ["MB", 1_000_000n], ["TiB", 1024n ** 4n]] as const;
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 15n - 1n), fc.constantFrom(...units), (count, [unit, factor]) => {
      assert.equal(parseSize(`${count}${unit}`), count * factor);
    }),
  );
});

for (
  const [text, ms] of [
    ["1h30m", 5_400_000n],
    ["500ms", 500n],
    ["24h", 86_400_000n],
    ["7d", 604_800_000n],
    ["1d1h1m1s1ms", 90_061_001n],
    ["0s", 0n],
    ["1m1ms", 60_001n],
  ] as const
) {
  Deno.test(`parseDuration() reads "${text}"`, () => assert.equal(parseDuration(text), ms));
}

for (const text of ["", "5", "5 s", "30m1h", "1h1h", "1.5h", "-1s", "1H", "1w", "s", "1h30", "1s\n"]) {
  Deno.test(`parseDuration() refuses ${JSON.stringify(text)}`, () =>
    assert.equal(parseDuration(text), undefined));
}

Deno.test("parseDuration() adds up every combination of units", () => {
  const count = fc.bigInt(0n, 10n ** 15n - 1n);
  fc.assert(fc.property(fc.tuple(count, count, count, count, count), ([d, h, m, s, ms]) => {
    const expected = (((d * 24n + h) * 60n + m) * 60n + s) * 1000n + ms;
    assert.equal(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`), expected);
  }));
});

Deno.test("loadConfig() reads a plain number as bytes where a size, and as seconds where a duration is expected", () => {
  const settings = load("[global]\nmax_blob_size = 0x10\nupload_expiry = 90");
  assert.equal(settings.global.maxBlobSize, 16);
  assert.equal(settings.global.uploadExpiryMs, 90_000);
});

for (
  const [line, expected] of [
    ["server.port = 65536", "whole number from 0 to 65535, got the number 65536"],
    ["server.port = -1", "whole number from 0 to 65535, got the number -1"],
    ["server.port = 80.0", "whole number from 0 to 65535, got the number 80"],
    ["server.port = nan", "whole number from 0 to 65535, got the number NaN"],
    ["server.port = 1979-05-27", "whole number from 0 to 65535, got a date or time"],
    ["server.port = [80]", "whole number from 0 to 65535, got an array"],
    ["server.port = {}", "whole number from 0 to 65535, got a table"],
    [`server.port = ${"9".repeat(50)}`, "whole number from 0 to 65535, got a number of 50 digits"],
    ["server.max_connections = 0", "whole number from 1 to 1000000, got the number 0"],
    ["global.max_blob_size = 0", "at least 1, got the number 0"],
    ["global.max_blob_size = '9999999PiB'", 'at least 1, got the text "9999999PiB"'],
    ["global.max_blob_size = 9007199254740992", "at least 1, got the number 9007199254740992"],
    ["global.allow_missing_manifest_references = 'true'", 'true or false, got the text "true"'],
    ["global.allow_missing_manifest_references = 1", "true or false, got the number 1"],
    ["server.idle_timeout = '25d'", 'above 0 and at most 24d, got the text "25d"'],
    ["server.idle_timeout = -1", "above 0 and at most 24d, got the number -1"],
    ["blob_store.fs.root_dir = ''", 'expected a path, got the text ""'],
    ['blob_store.fs.root_dir = "a\\u0000b"', 'expected a path, got the text "a\\u0000b"'],
    ["blob_store.fs.root_dir = 1", "expected a path, got the number 1"],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${line.slice(0, 60)}`, () => {
    const [problem, ...others] = problemsOf(line);
    assert.ok(problem!.endsWith(expected), problem);
    assert.deepEqual(others, []);
  });
}

Deno.test("loadConfig() keeps every duration within what a timer can wait", () => {
  assert.equal(load("server.idle_timeout = '24d'").server.idleTimeoutMs, 24 * 86_400_000);
  assert.ok(24 * 86_400_000 < 2 ** 31);
});

Deno.test("loadConfig() replaces variables in strings, and $${ by ${", () => {
  const env = { A: "/srv", B_1: "x${A}" };
  assert.equal(
    load('blob_store.fs.root_dir = "${A}/${B_1}/$${A}/$A"', { env }).blobStore.rootDir,
    "/srv/x${A}/${A}/$A",
  );
});

Deno.test("loadConfig() reads numbers, sizes and booleans from the environment", () => {
  const env = { PORT: "5000", SIZE: "10", YES: "true", TIME: "60" };
  const settings = load(
    `server = { port = "\${PORT}", idle_timeout = "\${TIME}s", body_timeout = "\${TIME}" }
     global = { max_blob_size = "\${SIZE}MiB", allow_missing_manifest_references = "\${YES}" }`,
    { env },
  );
  assert.equal(placeOf(settings).port, 5000);
  assert.equal(settings.server.idleTimeoutMs, 60_000);
  assert.equal(settings.server.bodyStallTimeoutMs, 60_000);
  assert.equal(settings.global.maxBlobSize, 10 * 1024 ** 2);
  assert.equal(settings.global.allowMissingManifestReferences, true);
});

Deno.test("loadConfig() never shows what the environment holds", () => {
  assert.deepEqual(problemsOf('server.port = "${SECRET}"', { env: { SECRET: "hunter2" } }), [
    'config.toml:1: server.port: expected a whole number from 0 to 65535, got the value of "${SECRET}"',
  ]);
});

Deno.test("loadConfig() names the variable that is not set, and takes an empty one as empty", () => {
  assert.deepEqual(
    problemsOf('server.port = "${PORT}"\nblob_store.fs.root_dir = "${EMPTY}"', { env: { EMPTY: "" } }),
    [
      "config.toml:1: server.port: the environment variable PORT is not set",
      'config.toml:2: blob_store.fs.root_dir: expected a path, got the value of "${EMPTY}"',
    ],
  );
});

for (const text of ["${}", "${a-b}", "${A", "${1A}", "a${ A}"]) {
  Deno.test(`loadConfig() refuses ${text}, which names no variable`, () => {
    assert.deepEqual(problemsOf(`blob_store.fs.root_dir = "${text}"`, { env: { A: "x" } }), [
      "config.toml:1: blob_store.fs.root_dir: expected ${NAME} after the dollar sign, with NAME of letters, " +
      "digits and _; write $${ for a plain ${",
    ]);
  });
}
