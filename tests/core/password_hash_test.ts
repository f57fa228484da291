/** Which texts can be used as password hashes. */
import assert from "node:assert/strict";
import { faultOfPasswordHash } from "../../src/core/password_hash.ts";

const SALT = "c29tZXNhbHRzb21lc2FsdA";
const HASH = "A".repeat(43);

for (
  const phc of [
    `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${HASH}`,
    `$argon2i$v=19$m=8,t=1,p=1$${SALT}$${HASH}`,
    `$argon2d$v=19$m=1048576,t=64,p=16$${SALT}$${HASH}`,
  ]
) {
  Deno.test(`faultOfPasswordHash() takes ${phc}`, () => {
    assert.equal(faultOfPasswordHash(phc), undefined);
  });
}

for (
  const [phc, expected] of [
    ["hunter2", /^expected an argon2 hash such as .* make one with `simple-registry hash-password`$/],
    ["", /^expected an argon2 hash/],
    [`$2b$12$${SALT}`, /^expected an argon2 hash/],
    [`$argon2id$m=19456,t=2,p=1$${SALT}$${HASH}`, /^expected an argon2 hash/],
    [`$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${HASH}\n`, /^expected an argon2 hash/],
    [`$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${HASH}AA`, /^expected an argon2 hash/],
    [`$argon2id$v=19$m=7,t=1,p=1$${SALT}$${HASH}`, /below what argon2 allows/],
    [`$argon2id$v=19$m=19456,t=0,p=1$${SALT}$${HASH}`, /below what argon2 allows/],
    [`$argon2id$v=19$m=1048577,t=1,p=1$${SALT}$${HASH}`, /costs too much to verify/],
    [`$argon2id$v=19$m=8,t=65,p=1$${SALT}$${HASH}`, /costs too much to verify/],
  ] as const
) {
  Deno.test(`faultOfPasswordHash() refuses ${JSON.stringify(phc)} without repeating it`, () => {
    const fault = faultOfPasswordHash(phc);
    assert.match(fault ?? "", expected);
    assert.ok(!fault!.includes("hunter2") && !fault!.includes(SALT));
  });
}
