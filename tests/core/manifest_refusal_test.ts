/** Manifests that are refused, each with a sentence that says which member is wrong. */
import assert from "node:assert/strict";
import { MANIFEST_TYPES } from "../../src/core/manifest.ts";
import {
  DOCKER_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/core/media_type.ts";
import {
  descriptor,
  type Fields,
  FOREIGN_TYPE,
  image,
  index,
  LAYER_TYPE,
  refuse,
} from "./manifest_content.ts";

Deno.test("parseManifest() rejects two sizes for one digest", () => {
  const message = (where: string) =>
    `Cannot accept manifest: ${where}.size is 7, but the same digest stands elsewhere with size `;
  assert.equal(
    refuse(image({ layers: [descriptor(1), descriptor(1, { size: 7 })] })),
    message("layers[1]") + "101",
  );
  assert.equal(refuse(image({ layers: [descriptor(0, { size: 7 })] })), message("layers[0]") + "100");
  const foreign = descriptor(1, { mediaType: FOREIGN_TYPE, size: 7 });
  assert.equal(refuse(image({ layers: [descriptor(1), foreign] })), message("layers[1]") + "101");
  assert.equal(refuse(image({ subject: descriptor(0, { size: 7 }) })), message("subject") + "100");
  assert.equal(
    refuse(index({ manifests: [descriptor(3), descriptor(3, { size: 7 })] }), OCI_INDEX),
    message("manifests[1]") + "103",
  );
});

Deno.test("parseManifest() rejects Docker schema 1 and says what to do", () => {
  const advice = /Docker schema 1 is not supported: push again with a newer client/;
  const schema1 = { schemaVersion: 1, name: "a", tag: "b", architecture: "amd64", fsLayers: [], history: [] };
  assert.match(refuse(schema1, DOCKER_SCHEMA1), advice);
  assert.match(refuse(schema1, DOCKER_SCHEMA1_SIGNED), advice);
  for (const type of MANIFEST_TYPES) assert.match(refuse(schema1, type), advice);
  assert.match(refuse(image({ schemaVersion: 1 })), advice);
  assert.match(refuse(image({ fsLayers: [] })), advice);
});

Deno.test("parseManifest() rejects other media types and names the accepted ones", () => {
  for (
    const type of [
      "application/json",
      "application/vnd.oci.artifact.manifest.v1+json",
      "text/html",
      LAYER_TYPE,
    ]
  ) {
    assert.equal(
      refuse(image({ mediaType: type }), type),
      `Cannot accept manifest: its media type is "${type}", accepted are ` +
        "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, " +
        "application/vnd.docker.distribution.manifest.v2+json and " +
        "application/vnd.docker.distribution.manifest.list.v2+json",
    );
  }
});

Deno.test("parseManifest() rejects a media type of its own that differs from the Content-Type", () => {
  for (const type of MANIFEST_TYPES) {
    for (
      const other of [...MANIFEST_TYPES, `${type};a=b`, `${type}\r\nX: y`, "", type.toUpperCase(), 1, {}, []]
    ) {
      if (other === type) continue;
      const manifest = type === OCI_INDEX || type === DOCKER_LIST ? index() : image();
      assert.match(
        refuse({ ...manifest, mediaType: other }, type),
        /^Cannot accept manifest: mediaType is .*, but it was pushed with Content-Type "/,
      );
    }
  }
});

Deno.test("parseManifest() rejects what reads as an image and as an index at once", () => {
  for (const manifests of [[], null, index().manifests]) {
    assert.match(refuse(image({ manifests })), /: manifests does not belong into a manifest of type /);
  }
  for (const layers of [[], null, image().layers]) {
    assert.match(refuse(index({ layers }), OCI_INDEX), /: layers does not belong into a manifest of type /);
  }
  assert.match(
    refuse(index({ config: image().config }), OCI_INDEX),
    /: config does not belong into a manifest /,
  );
  assert.match(refuse(index({ mediaType: undefined }), OCI_MANIFEST), /manifests does not belong/);
  assert.match(refuse(image({ mediaType: undefined }), OCI_INDEX), /config does not belong/);
});

Deno.test("parseManifest() rejects members that Go takes for others", () => {
  for (
    const key of [
      "Layers",
      "LAYERS",
      "layer\u017f",
      "Config",
      "Manifests",
      "MediaType",
      "Subject",
      "schemaversion",
    ]
  ) {
    assert.match(refuse(image({ [key]: [] })), /which some readers take for/);
  }
  for (const key of ["Digest", "SIZE", "mediatype", "URLs", "Data"]) {
    assert.match(refuse(image({ layers: [descriptor(1, { [key]: 1 })] })), /which some readers take for/);
  }
});

const MEMBER_FAULTS: [string, Fields, string][] = [
  ["no schemaVersion", { schemaVersion: undefined }, "schemaVersion is missing"],
  ["schemaVersion 3", { schemaVersion: 3 }, "schemaVersion is 3, expected 2"],
  ["schemaVersion as a string", { schemaVersion: "2" }, `schemaVersion is "2", expected 2`],
  ["schemaVersion null", { schemaVersion: null }, "schemaVersion is null, expected 2"],
  ["no config", { config: undefined }, "config is missing"],
  ["config null", { config: null }, "config is null, expected a descriptor"],
  ["config as a list", { config: [] }, "config is an array, expected a descriptor"],
  ["an empty config", { config: {} }, "config.mediaType is missing"],
  ["no layers", { layers: undefined }, "layers is missing"],
  ["layers that are an object", { layers: {} }, "layers is an object, expected an array of descriptors"],
  ["layers as an object", { layers: {} }, "layers is an object, expected an array of descriptors"],
  ["a layer that is no object", { layers: [descriptor(1), "x"] }, `layers[1] is "x", expected a descriptor`],
  ["a layer null", { layers: [null] }, "layers[0] is null, expected a descriptor"],
  ["subject as a string", { subject: "x" }, `subject is "x", expected a descriptor`],
  ["an empty subject", { subject: {} }, "subject.mediaType is missing"],
  ["annotations as a list", { annotations: [] }, "annotations is an array, expected an object of strings"],
  [
    "an annotation that is no string",
    { annotations: { a: "", "b\n": 1 } },
    String.raw`annotations["b\n"] is 1, expected a string`,
  ],
  ["an annotation null", { annotations: { a: null } }, `annotations["a"] is null, expected a string`],
  [
    "an artifactType with a line break in a parameter",
    { artifactType: "a/b;c=d\n" },
    `artifactType is "a/b;c=d\\n", expected a media type (RFC 6838)`,
  ],
  [
    "an artifactType that is no string",
    { artifactType: 1 },
    "artifactType is 1, expected a media type (RFC 6838)",
  ],
];

for (const [what, fields, message] of MEMBER_FAULTS) {
  Deno.test(`parseManifest() rejects ${what}`, () => {
    assert.equal(refuse(image(fields)), `Cannot accept manifest: ${message}`);
  });
}
Deno.test("parseManifest() rejects text that is no object", () => {
  assert.equal(refuse("[]"), "Cannot accept manifest: it is an array, expected an object");
  assert.equal(refuse("null"), "Cannot accept manifest: it is null, expected an object");
  assert.equal(refuse("blablabla"), `Cannot read manifest: "b" where a value is expected, at byte 1`);
  refuse("");
});

Deno.test("parseManifest() rejects a manifest with a member twice", () => {
  const text = JSON.stringify(image());
  assert.match(refuse(text.slice(0, -1) + `,"layers":[]}`), /key "layers" for the second time/);
  assert.match(
    refuse(text.replace(`"size":100`, `"size":100,"\\u0073ize":0`)),
    /key "size" for the second time/,
  );
  assert.match(refuse("\ufeff" + text), /byte order mark/);
});
