/** Platforms of an index. */
import assert from "node:assert/strict";
import { readPlatforms } from "../../src/core/index_platforms.ts";
import { digestOf, utf8 } from "../model/bytes.ts";

Deno.test("readPlatforms() gives the platform of each entry that has one, and passes over what is something else", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((text) => digestOf(utf8(text), "sha256"));
  const manifests = [
    { digest: a, platform: { os: "linux", architecture: "arm64", variant: "v8", "os.version": "1" } },
    { digest: b, platform: { os: "windows", architecture: "amd64" } },
    { digest: c },
    { digest: d, platform: { os: 5, architecture: "amd64" } },
    { digest: d, platform: "linux/amd64" },
    { digest: "nonsense", platform: { os: "linux", architecture: "arm" } },
  ];
  assert.deepEqual([...readPlatforms(utf8(JSON.stringify({ manifests })))], [
    [a, { os: "linux", architecture: "arm64", variant: "v8" }],
    [b, { os: "windows", architecture: "amd64" }],
  ]);
  assert.deepEqual([...readPlatforms(utf8("{}"))], []);
  assert.deepEqual([...readPlatforms(utf8('{"manifests":null}'))], []);
});
