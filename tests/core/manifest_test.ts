/** Manifests: the four kinds that can be pushed, and what is read of them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MOST_ANNOTATIONS } from "../../src/core/annotations.ts";
import { type Manifest, MANIFEST_TYPES, parseManifest } from "../../src/core/manifest.ts";
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../src/core/media_type.ts";
import { expectOciError } from "./expect_oci_error.ts";
import {
  CONFIG_TYPE,
  descriptor,
  digestOf,
  EMPTY_TYPE,
  FOREIGN_TYPE,
  image,
  index,
  LAYER_TYPE,
  parse,
  reference,
  refuse,
} from "./manifest_content.ts";

Deno.test("parseManifest() reads an image manifest", () => {
  assert.deepEqual(parse(image()), {
    mediaType: OCI_MANIFEST,
    artifactType: CONFIG_TYPE,
    references: [reference("config", 0), reference("layer", 1), reference("layer", 2)],
  });
});

Deno.test("parseManifest() reads an index, other indexes among its children", () => {
  assert.deepEqual(parse(index(), OCI_INDEX), {
    mediaType: OCI_INDEX,
    references: [reference("child", 3), reference("child", 4)],
  });
});

Deno.test("parseManifest() reads Docker's schema 2 manifest and list", () => {
  assert.deepEqual(parse(image({ mediaType: DOCKER_MANIFEST }), DOCKER_MANIFEST).references.length, 3);
  assert.deepEqual(parse(index({ mediaType: DOCKER_LIST }), DOCKER_LIST).references.length, 2);
});

Deno.test("parseManifest() takes manifests without a media type of their own", () => {
  for (const type of MANIFEST_TYPES) {
    const manifest = type === OCI_INDEX || type === DOCKER_LIST ? index() : image();
    assert.equal(parse({ ...manifest, mediaType: undefined }, type).mediaType, type);
    assert.equal(parse({ ...manifest, mediaType: null }, type).mediaType, type);
  }
});

Deno.test("parseManifest() takes empty lists, unknown fields and any order of members", () => {
  assert.deepEqual(parse(image({ layers: [] })).references, [reference("config", 0)]);
  assert.deepEqual(parse(index({ manifests: [] }), OCI_INDEX).references, []);
  const custom = { "org.ABC123": "x", newUnspecifiedField: "aGVsbG8=", Custom: [{ layers: 1 }, [[]]] };
  const config = descriptor(0, { mediaType: CONFIG_TYPE, ...custom });
  const manifest = image({ ...custom, config });
  assert.deepEqual(parse(manifest), parse(image()));
  assert.deepEqual(parse(Object.fromEntries(Object.entries(manifest).reverse())), parse(image()));
  assert.deepEqual(parse("\n\t " + JSON.stringify(manifest, undefined, 2) + " \r\n"), parse(image()));
});

Deno.test("parseManifest() takes sha512 digests", () => {
  const digest = `sha512:${"0".repeat(128)}`;
  assert.equal(
    parse(index({ manifests: [descriptor(0, { digest })] }), OCI_INDEX).references[0]!.digest,
    digest,
  );
});

Deno.test("parseManifest() reads subject and annotations", () => {
  const subject = descriptor(9, { mediaType: OCI_MANIFEST, artifactType: "a/b", annotations: { x: "y" } });
  for (const [manifest, type] of [[image(), OCI_MANIFEST], [index(), OCI_INDEX]] as const) {
    // Written by hand, since an object literal takes __proto__ for the prototype.
    const text = JSON.stringify({ ...manifest, subject, annotations: {} })
      .replace(
        `"annotations":{}}`,
        `"annotations":{"org.example.a":"1","":"","\\u00e9":"\\n","__proto__":"own"}}`,
      );
    const parsed = parse(text, type);
    assert.deepEqual(parsed.subject, {
      mediaType: OCI_MANIFEST,
      digest: digestOf(9),
      size: 109,
      artifactType: "a/b",
    });
    assert.deepEqual(Object.entries(parsed.annotations!), [
      ["org.example.a", "1"],
      ["", ""],
      ["é", "\n"],
      ["__proto__", "own"],
    ]);
    assert.equal(Object.getPrototypeOf(parsed.annotations), Object.prototype);
    assert.deepEqual(parsed.references, parse(manifest, type).references);
  }
});

Deno.test("parseManifest() takes null for an optional member as absent", () => {
  const nulls = { subject: null, annotations: null, artifactType: null };
  assert.deepEqual(parse(image(nulls)), parse(image()));
  const layer = descriptor(1, {
    annotations: null,
    data: null,
    artifactType: null,
    urls: null,
    platform: null,
  });
  assert.deepEqual(parse(image({ layers: [layer, descriptor(2)] })), parse(image()));
});

Deno.test("parseManifest() falls back to the config's media type for the artifact type of an image manifest only", () => {
  const config = descriptor(0, { mediaType: EMPTY_TYPE });
  assert.equal(parse(image({ config, artifactType: "a/b" })).artifactType, "a/b");
  assert.equal(parse(image({ config })).artifactType, EMPTY_TYPE);
  assert.equal(parse(image({ config, artifactType: "" })).artifactType, EMPTY_TYPE);
  assert.equal(parse(index({ artifactType: "a/b" }), OCI_INDEX).artifactType, "a/b");
  assert.equal(Object.hasOwn(parse(index(), OCI_INDEX), "artifactType"), false);
  assert.equal(Object.hasOwn(parse(index({ artifactType: "" }), OCI_INDEX), "artifactType"), false);
});

Deno.test("parseManifest() knows non-distributable layers as foreign references, which may be missing", () => {
  const foreign = (n: number) => descriptor(n, { mediaType: FOREIGN_TYPE, urls: ["https://example.com/x"] });
  const layers = [foreign(1), descriptor(2), foreign(3)];
  assert.deepEqual(parse(image({ layers })).references, [
    reference("config", 0),
    reference("foreign", 1),
    reference("layer", 2),
    reference("foreign", 3),
  ]);
  // What is also there as an ordinary layer has to be present.
  assert.deepEqual(
    parse(image({ layers: [foreign(1), descriptor(1)] })).references.at(-1),
    reference("layer", 1),
  );
  // The exemption is for layers.
  const config = foreign(0);
  assert.deepEqual(parse(image({ config, layers: [] })).references, [reference("config", 0)]);
  assert.deepEqual(parse(index({ manifests: [foreign(3)] }), OCI_INDEX).references, [reference("child", 3)]);
});

Deno.test("parseManifest() lists each pair of kind and digest once", () => {
  const config = descriptor(0, { mediaType: EMPTY_TYPE });
  const layers = [descriptor(0), descriptor(1), descriptor(0), descriptor(1)];
  assert.deepEqual(parse(image({ config, layers })).references, [
    reference("config", 0),
    reference("layer", 0),
    reference("layer", 1),
  ]);
  const manifests = [descriptor(3), descriptor(3, { platform: {} })];
  assert.deepEqual(parse(index({ manifests }), OCI_INDEX).references, [reference("child", 3)]);
});
Deno.test("parseManifest() takes 10,000 annotations and no more", () => {
  const annotations = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, ""]));
  const most = parse(image({ annotations: annotations(MOST_ANNOTATIONS) }));
  assert.equal(Object.keys(most.annotations!).length, MOST_ANNOTATIONS);
  assert.equal(
    refuse(image({ annotations: annotations(MOST_ANNOTATIONS + 1) })),
    "Cannot accept manifest: annotations has more than 10000 entries",
  );
});

Deno.test("parseManifest() throws nothing but OciError and keeps what it accepts well formed", () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      2,
      LAYER_TYPE,
      OCI_MANIFEST,
      OCI_INDEX,
      digestOf(1),
      descriptor(1),
      [descriptor(1)],
      null,
    ),
  );
  const members = fc.dictionary(
    fc.constantFrom(
      "schemaVersion",
      "mediaType",
      "config",
      "layers",
      "manifests",
      "subject",
      "annotations",
      "artifactType",
      "fsLayers",
      "x",
    ),
    value,
    { maxKeys: 3 },
  );
  const part = fc.dictionary(
    fc.constantFrom("mediaType", "digest", "size", "annotations", "data", "artifactType", "urls", "x"),
    value,
    { maxKeys: 2 },
  );
  let accepted = 0;
  fc.assert(
    fc.property(members, part, fc.constantFrom(...MANIFEST_TYPES), (members, part, type) => {
      const base = type === OCI_INDEX || type === DOCKER_LIST
        ? index({ mediaType: type, manifests: [descriptor(3, part)] })
        : image({ mediaType: type, layers: [descriptor(3, part)] });
      const bytes = new TextEncoder().encode(JSON.stringify({ ...base, ...members }));
      let manifest: Manifest;
      try {
        manifest = parseManifest(bytes, type);
      } catch {
        expectOciError("MANIFEST_INVALID", () => parseManifest(bytes, type));
        return;
      }
      accepted++;
      assert.equal(manifest.mediaType, type);
      for (const { digest, size } of manifest.references) {
        assert.match(digest, /^sha(256|512):[0-9a-f]+$/);
        assert.ok(Number.isSafeInteger(size) && size >= 0);
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(accepted > 50, `${accepted} accepted`);
});

Deno.test("parseManifest() takes null for an empty list, as programs written in Go say it", () => {
  assert.deepEqual(parse(image({ layers: null })).references, [reference("config", 0)]);
  assert.deepEqual(parse(index({ manifests: null }), OCI_INDEX).references, []);
});

Deno.test("parseManifest() takes parameters in the media types of descriptors", () => {
  const mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3";
  const layers = [descriptor(1, { mediaType })];
  assert.deepEqual(parse(image({ layers })).references.at(-1), reference("layer", 1));
  assert.equal(parse(image({ artifactType: mediaType })).artifactType, mediaType);
});
