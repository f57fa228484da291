/** Descriptors: every member is checked, in whichever place of a manifest the descriptor stands. */
import assert from "node:assert/strict";
import { OCI_INDEX } from "../../src/core/media_type.ts";
import { descriptor, type Fields, image, index, parse, refuse } from "./manifest_content.ts";

const DIGEST_WANTED = `expected "sha256:" and 64 or "sha512:" and 128 lower-case hexadecimal digits`;
const TYPE_WANTED = "expected a media type (RFC 6838)";
const SIZE_WANTED = "expected a whole number of bytes, 0 or more";

const DESCRIPTOR_FAULTS: [string, Fields, string][] = [
  ["no mediaType", { mediaType: undefined }, "mediaType is missing"],
  ["an empty mediaType", { mediaType: "" }, `mediaType is "", ${TYPE_WANTED}`],
  [
    "a mediaType with a line break",
    { mediaType: "a/b\r\nX: y" },
    String.raw`mediaType is "a/b\r\nX: y", ${TYPE_WANTED}`,
  ],
  [
    "a mediaType with nothing before its parameter",
    { mediaType: ";c=d" },
    `mediaType is ";c=d", ${TYPE_WANTED}`,
  ],
  ["a mediaType that is no string", { mediaType: ["a/b"] }, `mediaType is an array, ${TYPE_WANTED}`],
  ["no digest", { digest: undefined }, "digest is missing"],
  ["a digest null", { digest: null }, `digest is null, ${DIGEST_WANTED}`],
  ["a digest that is a tag", { digest: "latest" }, `digest is "latest", ${DIGEST_WANTED}`],
  ["a digest of an unknown algorithm", { digest: "sha1:00" }, `digest is "sha1:00", ${DIGEST_WANTED}`],
  ["no size", { size: undefined }, "size is missing"],
  ["a negative size", { size: -1 }, `size is -1, ${SIZE_WANTED}`],
  ["a broken size", { size: 1.5 }, `size is 1.5, ${SIZE_WANTED}`],
  ["a size as a string", { size: "1" }, `size is "1", ${SIZE_WANTED}`],
  ["a size above 2^53", { size: 2 ** 53 }, `size is 9007199254740992, ${SIZE_WANTED}`],
  ["annotations as a string", { annotations: "x" }, `annotations is "x", expected an object of strings`],
  [
    "an annotation that is no string",
    { annotations: { a: [] } },
    `annotations["a"] is an array, expected a string`,
  ],
  ["data that is no string", { data: 1 }, "data is 1, expected a string of base64"],
  ["data that is no base64", { data: "a b=" }, `data is "a b=", expected a string of base64`],
  ["data without padding", { data: "YQ" }, `data is "YQ", expected a string of base64`],
  ["an artifactType that is no type", { artifactType: "x" }, `artifactType is "x", ${TYPE_WANTED}`],
];

for (const [what, fields, message] of DESCRIPTOR_FAULTS) {
  Deno.test(`parseManifest() rejects a descriptor with ${what}`, () => {
    const bad = descriptor(5, fields);
    const start = "Cannot accept manifest: ";
    assert.equal(refuse(image({ config: bad })), `${start}config.${message}`);
    assert.equal(refuse(image({ layers: [descriptor(1), bad] })), `${start}layers[1].${message}`);
    assert.equal(refuse(image({ subject: bad })), `${start}subject.${message}`);
    assert.equal(refuse(index({ manifests: [bad] }), OCI_INDEX), `${start}manifests[0].${message}`);
  });
}

Deno.test("parseManifest() rejects sizes and versions that are no integers to Go", () => {
  for (const size of ["1.0", "1e3", "-0", "1E0"]) {
    assert.match(
      refuse(JSON.stringify(image()).replace(`"size":101`, `"size":${size}`)),
      /layers\[0\]\.size is /,
    );
  }
  assert.match(
    refuse(JSON.stringify(image()).replace(`"schemaVersion":2`, `"schemaVersion":2.0`)),
    /schemaVersion is 2\.0/,
  );
});

Deno.test("parseManifest() takes sizes of 0 and of 2^53 - 1", () => {
  const layers = [descriptor(1, { size: 0 }), descriptor(2, { size: Number.MAX_SAFE_INTEGER })];
  assert.deepEqual(parse(image({ layers })).references.slice(1).map((each) => each.size), [0, 2 ** 53 - 1]);
});

Deno.test("parseManifest() takes inline data, whatever it holds", () => {
  for (const data of ["", "e30=", "YQ==", "YWJj", "+/+/"]) {
    parse(image({ layers: [descriptor(1, { data })] }));
  }
  parse(
    JSON.stringify(image({ layers: [descriptor(1, { data: "a/b=" })] })).replace(
      `"a/b="`,
      String.raw`"a\/b="`,
    ),
  );
});
