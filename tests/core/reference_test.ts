/** References: a tag or a digest, told apart by the colon. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatReference, parseReference, type Reference } from "../../src/core/reference.ts";
import { makeDigest } from "../../src/core/digest.ts";
import { parseTag } from "../../src/core/tag.ts";
import { expectOciError } from "./expect_oci_error.ts";

Deno.test("parseReference() reads a text without a colon as a tag", () => {
  assert.deepEqual(parseReference("latest"), { kind: "tag", tag: "latest" });
  assert.deepEqual(parseReference("sha256"), { kind: "tag", tag: "sha256" });
  assert.deepEqual(parseReference("a".repeat(64)), { kind: "tag", tag: "a".repeat(64) });
  for (const text of ["", ".INVALID_MANIFEST_NAME", "a/b", "a@b"]) {
    expectOciError("TAG_INVALID", () => parseReference(text));
  }
});

Deno.test("parseReference() reads a text with a colon as a digest", () => {
  const text = `sha256:${"0".repeat(64)}`;
  assert.deepEqual(parseReference(text), { kind: "digest", digest: text });
  for (const text of [":", "a:b", "latest:", "sha256:totallywrong", `sha256:${"A".repeat(64)}`]) {
    expectOciError("DIGEST_INVALID", () => parseReference(text));
  }
});

Deno.test("parseReference() reads what formatReference() writes", () => {
  const reference: fc.Arbitrary<Reference> = fc.oneof(
    fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/).map((text) => ({
      kind: "tag" as const,
      tag: parseTag(text),
    })),
    fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => ({
      kind: "digest" as const,
      digest: makeDigest("sha256", hex),
    })),
    fc.stringMatching(/^[0-9a-f]{128}$/).map((hex) => ({
      kind: "digest" as const,
      digest: makeDigest("sha512", hex),
    })),
  );
  fc.assert(fc.property(reference, (reference) => {
    assert.deepEqual(parseReference(formatReference(reference)), reference);
  }));
});
