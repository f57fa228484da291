/** Media types: bare names of RFC 6838, since they are echoed in headers. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isIndexType,
  isMediaType,
  isNonDistributable,
  OCI_INDEX,
  OCI_MANIFEST,
  parseContentType,
  parseMediaType,
} from "../../src/core/media_type.ts";
import { cheapest } from "../harness/cheapest.ts";
import { expectOciError } from "./expect_oci_error.ts";

Deno.test("parseMediaType() takes bare types of RFC 6838", () => {
  for (
    const text of [
      OCI_MANIFEST,
      "a/b",
      "Application/JSON",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "0/0",
      "a/b!#$&^_.+-",
      "a".repeat(127) + "/" + "b".repeat(127),
    ]
  ) {
    assert.equal(parseMediaType(text), text);
  }
});

Deno.test("parseMediaType() rejects parameters, line breaks and everything that is no type", () => {
  for (
    const text of [
      "",
      "a",
      "/",
      "a/",
      "/b",
      "a/b/c",
      "a/b;c=d",
      "a/b; charset=utf-8",
      "a/b\r\nX: y",
      "a/b\n",
      "a/b\0",
      "a /b",
      "a/b,c/d",
      "*/*",
      "a/*",
      "_a/b",
      "+a/b",
      "a/.b",
      "a/b<script>",
      'text/html"',
      "é/b",
      "a".repeat(128) + "/b",
      "a/" + "b".repeat(128),
    ]
  ) {
    expectOciError("MANIFEST_INVALID", () => parseMediaType(text));
    assert.equal(isMediaType(text), false);
  }
});

Deno.test("parseMediaType() judges long texts in no time", async () => {
  const text = "a".repeat(1_000_000) + "/";
  assert.ok(await cheapest(() => isMediaType(text), 5) < 5);
});

Deno.test("parseContentType() drops parameters and the white space around the type", () => {
  assert.equal(parseContentType(`${OCI_MANIFEST}; charset=utf-8`), OCI_MANIFEST);
  assert.equal(parseContentType(`  ${OCI_MANIFEST} \t;a="b;c"`), OCI_MANIFEST);
  for (const header of ["", ";", "; charset=utf-8", "a/b, c/d", "a b/c"]) {
    expectOciError("MANIFEST_INVALID", () => parseContentType(header));
  }
});

Deno.test("parseContentType() throws nothing but OciError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (header) => {
    try {
      assert.match(parseContentType(header), /^[!-~]+\/[!-~]+$/);
    } catch {
      expectOciError("MANIFEST_INVALID", () => parseContentType(header));
    }
  }));
});

Deno.test("isIndexType() is true for OCI indexes and Docker lists", () => {
  assert.deepEqual([OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST].map(isIndexType), [
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("isNonDistributable() knows the layers of OCI and of Docker that live elsewhere", () => {
  for (
    const type of [
      "application/vnd.oci.image.layer.nondistributable.v1.tar",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
      "application/vnd.docker.image.rootfs.foreign.diff.tar",
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ]
  ) {
    assert.equal(isNonDistributable(type), true, type);
  }
  for (
    const type of [
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
      "application/vnd.oci.image.layer.nondistributable",
      "x/application/vnd.oci.image.layer.nondistributable.v1.tar",
    ]
  ) {
    assert.equal(isNonDistributable(type), false, type);
  }
});
