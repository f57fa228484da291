/** Holds that nothing but the very bytes a CA signed is accepted, and that no bytes break the verification. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { cheapest } from "../harness/cheapest.ts";
import { derSequence } from "../harness/der.ts";
import { loadTrust, TrustError } from "../../src/auth/load_trust.ts";
import { DerReader, TAG } from "../../src/auth/der_reader.ts";
import { type MadeCertificate, makeAuthority, makeClient, toPem } from "./certificate_factory.ts";
import { trustIn } from "./expect_verdict.ts";
import { signatureAlgorithm, signatureOver } from "./key_factory.ts";
import { makeRevocationList } from "./revocation_list_factory.ts";

const root = makeAuthority({ subject: "Root" });
const middle = makeAuthority({
  subject: "Middle",
  issuer: root,
  permitted: [{ dns: "example.com" }, { directory: [] }],
  basicConstraints: { authority: true, pathLength: 0 },
});
const leaf = makeClient(middle, {
  subject: [["O", "ops"], ["CN", "alice"]],
  alternativeNames: [{ dns: "a.example.com" }, { email: "a@example.com" }, { uri: "spiffe://a/b" }],
  identifyIssuerByName: true,
});
const trust = await trustIn([root]);
const now = Date.now();

/** One change of some bytes: bits turned over, a part cut out, bytes put in. */
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  cut: fc.nat({ max: 8 }),
  put: fc.uint8Array({ maxLength: 8 }),
  flip: fc.nat({ max: 255 }),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(bytes: Uint8Array, changes: readonly Change[]): Uint8Array {
  let changed = [...bytes];
  for (const { at, cut, put, flip } of changes) {
    const offset = Math.floor(at * changed.length);
    changed[offset] = (changed[offset] ?? 0) ^ flip;
    changed = [...changed.slice(0, offset), ...put, ...changed.slice(offset + cut)];
  }
  return Uint8Array.from(changed);
}

const changes = fc.array(change, { minLength: 1, maxLength: 3 });
const small = { numRuns: 400 };

async function verdictOf(chain: readonly Uint8Array[]) {
  const start = performance.now();
  const verdict = await trust.verify(chain, now);
  const ms = performance.now() - start;
  // The machine may stand still, but not each time.
  const again = ms < 2000 ? ms : await cheapest(() => trust.verify(chain, now), 2000);
  assert.ok(again < 2000, `${ms} ms, and ${again} ms at best`);
  if (!verdict.accepted) {
    assert.notEqual(verdict.code, "fault", `${verdict.accepted ? "" : verdict.cause}`);
    assert.match(verdict.reason, /^[\x20-\x7e]{1,1500}$/);
  }
  return verdict;
}

Deno.test("verify() refuses the leaf with any one bit turned over", async () => {
  for (let offset = 0; offset < leaf.der.length; offset++) {
    const changed = leaf.der.slice();
    changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
    assert.equal((await verdictOf([changed, middle.der])).accepted, false, `byte ${offset}`);
  }
});

Deno.test("verify() refuses the leaf when any one bit of its intermediate is turned over", async () => {
  for (let offset = 0; offset < middle.der.length; offset++) {
    const changed = middle.der.slice();
    changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
    assert.equal((await verdictOf([leaf.der, changed])).accepted, false, `byte ${offset}`);
  }
});

Deno.test("verify() refuses every piece of a certificate", async () => {
  for (let length = 0; length < leaf.der.length; length++) {
    assert.equal((await verdictOf([leaf.der.slice(0, length), middle.der])).accepted, false);
  }
});

Deno.test("verify() refuses random bytes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, alone) => {
      assert.equal((await verdictOf(alone ? [bytes] : [bytes, middle.der])).accepted, false);
    }),
    small,
  );
});

Deno.test("verify() refuses every certificate that differs from what was signed", async () => {
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      const changed = apply(leaf.der, list);
      const same = changed.toHex() === leaf.der.toHex();
      assert.equal((await verdictOf([changed, middle.der])).accepted, same);
    }),
    small,
  );
});

/** The changed content of a certificate, signed as it is by a CA that has lost its mind. */
function resign(certificate: MadeCertificate, signer: MadeCertificate, list: readonly Change[]): Uint8Array {
  const signedPart = new DerReader(certificate.der).enter("it").read("it", TAG.sequence);
  const changed = derSequence(apply(signedPart.content, list));
  return derSequence(
    changed,
    signatureAlgorithm(signer.key, "SHA-256"),
    signatureOver(changed, signer.key, "SHA-256"),
  );
}

Deno.test("verify() stands whatever a CA signs, in the leaf and in the intermediate", async () => {
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), async (list, isLeaf) => {
      await verdictOf(
        isLeaf ? [resign(leaf, middle, list), middle.der] : [leaf.der, resign(middle, root, list)],
      );
    }),
    small,
  );
});

Deno.test("verify() refuses every shuffle of certificates whose first is not an own leaf", async () => {
  const stranger = makeClient(makeAuthority({ subject: "Stranger" }));
  const pool = [
    root,
    middle,
    leaf,
    stranger,
    makeAuthority({ subject: "Root" }),
    makeAuthority({ subject: "Middle" }),
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...pool), { maxLength: 9 }), async (chain) => {
      const verdict = await verdictOf(chain.map((certificate) => certificate.der));
      assert.equal(verdict.accepted, chain[0] === leaf && chain.includes(middle));
      if (verdict.accepted) assert.deepEqual(verdict.facts.commonNames, ["alice"]);
    }),
    small,
  );
});

Deno.test("loadTrust() throws nothing but TrustError, whatever the files hold", async () => {
  const list = makeRevocationList({ issuer: root, revoked: [leaf, middle] });
  const settings = { crlMissing: "deny", crlExpired: "deny" } as const;
  const load = async (caBundle: string, crl: Uint8Array) => {
    try {
      await loadTrust({ ...settings, caBundle, crlBundle: [crl] }, new Date(now));
    } catch (fault) {
      assert.ok(fault instanceof TrustError, `${fault}`);
      assert.ok(fault.problems.length > 0);
    }
  };
  const encoder = new TextEncoder();
  await fc.assert(
    fc.asyncProperty(changes, async (some) => {
      await load(toPem("CERTIFICATE", apply(root.der, some)), list.der);
      await load(new TextDecoder().decode(apply(encoder.encode(root.pem), some)), list.der);
      await load(root.pem, apply(list.der, some));
      await load(root.pem, apply(encoder.encode(list.pem), some));
    }),
    { numRuns: 200 },
  );
});
