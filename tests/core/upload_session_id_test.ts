/** Upload session ids: random UUIDs in lower case. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { makeUploadSessionId, parseUploadSessionId } from "../../src/core/upload_session_id.ts";

const ID = "0b8c1a52-9d1e-4c7a-8f2e-3d4c5b6a7980";

Deno.test("parseUploadSessionId() reads what makeUploadSessionId() makes", () => {
  const made = new Set(Array.from({ length: 100 }, makeUploadSessionId));
  assert.equal(made.size, 100);
  for (const id of made) assert.equal(parseUploadSessionId(id), id);
});

Deno.test("parseUploadSessionId() gives undefined for anything else", () => {
  for (
    const text of [
      "",
      "..",
      "../" + ID,
      ID + "\n",
      " " + ID,
      ID + ID,
      ID.toUpperCase(),
      `{${ID}}`,
      ID.replaceAll("-", ""),
      ID.slice(1),
      ID.replace("0", "\0"),
      ID.replace("0", "０"),
      ID.replaceAll("-", "_"),
    ]
  ) {
    assert.equal(parseUploadSessionId(text), undefined, text);
  }
});

Deno.test("parseUploadSessionId() never throws", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.equal(parseUploadSessionId(text), undefined);
  }));
});
