/** Choosing the manifests of an index by platform. */
import assert from "node:assert/strict";
import { choosePlatforms, formatPlatform, parsePlatform } from "../../src/core/platform_selection.ts";

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;

function makeIndex(entries: readonly Record<string, unknown>[]): Uint8Array {
  const manifests = entries.map((entry) => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    size: 1,
    ...entry,
  }));
  return new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, manifests }));
}

const INDEX = makeIndex([
  { digest: digestOf("a"), platform: { os: "linux", architecture: "amd64" } },
  { digest: digestOf("b"), platform: { os: "linux", architecture: "arm64", variant: "v8" } },
  { digest: digestOf("c"), platform: { os: "linux", architecture: "arm", variant: "v7" } },
  {
    digest: digestOf("d"),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.digest": digestOf("a") },
  },
  {
    digest: digestOf("e"),
    platform: { os: "unknown", architecture: "unknown" },
    annotations: { "vnd.docker.reference.digest": digestOf("c") },
  },
  { digest: digestOf("f") },
]);

const choose = (...wanted: string[]) => {
  const { others, missing } = choosePlatforms(INDEX, wanted.map((text) => parsePlatform(text)!));
  return {
    others: [...others].map((digest) => digest[7]).sort().join(""),
    missing: missing.map(formatPlatform),
  };
};

Deno.test("choosePlatforms() leaves out manifests of other platforms, and attestations of these", () => {
  assert.deepEqual(choose("linux/amd64"), { others: "bce", missing: [] });
  assert.deepEqual(choose("linux/arm64", "linux/arm/v7"), { others: "ad", missing: [] });
  assert.deepEqual(choose("linux/arm/v6", "windows/amd64"), {
    others: "abcde",
    missing: ["linux/arm/v6", "windows/amd64"],
  });
  assert.deepEqual(choose(), { others: "", missing: [] });
});

Deno.test("choosePlatforms() takes a manifest that is there for two platforms when one of them is wanted", () => {
  const index = makeIndex([
    { digest: digestOf("a"), platform: { os: "linux", architecture: "amd64" } },
    { digest: digestOf("a"), platform: { os: "windows", architecture: "amd64" } },
  ]);
  assert.equal(choosePlatforms(index, [parsePlatform("linux/amd64")!]).others.size, 0);
});

Deno.test("parsePlatform() takes os/architecture[/variant] and nothing else", () => {
  assert.deepEqual(parsePlatform("linux/arm/v7"), { os: "linux", architecture: "arm", variant: "v7" });
  for (const text of ["linux", "linux/", "/amd64", "linux/amd64/v1/x", "Linux/amd64", "linux/*"]) {
    assert.equal(parsePlatform(text), undefined, text);
  }
});
