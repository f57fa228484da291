/** Holds how names are written into logs and messages. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readSingle } from "../../src/auth/der_reader.ts";
import { formatName, readName } from "../../src/auth/distinguished_name.ts";
import { encodeName, type NameRecipe } from "./name_recipe.ts";

function format(recipe: NameRecipe): string {
  return formatName(readName(readSingle(encodeName(recipe), "the name"), "the name"));
}

const CASES: [recipe: NameRecipe, expected: string][] = [
  [[["C", "DE"], ["O", "ops"], ["CN", "alice"]], "CN=alice,O=ops,C=DE"],
  [[[["O", "ops"], ["CN", "admin"]]], "O=ops+CN=admin"],
  ["bob\nCN=admin", "CN=bob\\0ACN\\=admin"],
  ['a,b+c"d\\e<f>g;h', 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h'],
  [" a b ", "CN=\\ a b\\ "],
  ["#a#", "CN=\\#a#"],
  ["Jörg", "CN=J\\C3\\B6rg"],
  [[["1.2.3", "x"]], "1.2.3=x"],
  [[["CN", "ab", "BMPString"]], "CN=#1e0400610062"],
  [[], "(empty name)"],
];

for (const [recipe, expected] of CASES) {
  Deno.test(`formatName() writes ${expected}`, () => {
    assert.equal(format(recipe), expected);
  });
}

Deno.test("formatName() is printable ASCII of bounded length, whatever the name", () => {
  const attribute = fc.tuple(fc.constantFrom("CN", "O", "1.2.3"), fc.uint8Array({ maxLength: 600 }));
  fc.assert(fc.property(fc.array(attribute, { maxLength: 20 }), (attributes) => {
    assert.match(format(attributes), /^[\x20-\x7e]{1,260}$/);
  }));
});
