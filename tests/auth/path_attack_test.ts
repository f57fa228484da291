/** Attacks with the certificates that a client sends along: nobody becomes somebody else by what he appends. */
import assert from "node:assert/strict";
import { Refusal } from "../../src/auth/certificate_verdict.ts";
import { ClientTrust } from "../../src/auth/client_trust.ts";
import type { SecondJudge } from "../../src/auth/second_judge.ts";
import { readCertificate } from "../../src/auth/x509_certificate.ts";
import { cheapest } from "../harness/cheapest.ts";
import {
  DAY_MS,
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
  makeClient,
} from "./certificate_factory.ts";
import { expectAccepted, expectFacts, expectRefused, trustIn } from "./expect_verdict.ts";
import { makeKeyPair } from "./key_factory.ts";

const root = makeAuthority({ subject: "Root" });
const middle = makeAuthority({ subject: "Middle", issuer: root });
const victim = makeClient(middle, { subject: "admin" });

Deno.test("verify() never takes a certificate that was sent along for the leaf", async () => {
  const trust = await trustIn([root]);
  const own = makeClient(middle, { subject: "mallory" });
  for (const chain of [[own, victim, middle], [own, middle, victim], [own, victim, middle, victim, root]]) {
    const facts = await expectFacts(trust, chain);
    assert.deepEqual(facts.commonNames, ["mallory"]);
    assert.deepEqual(facts, await expectFacts(trust, [own, middle]));
  }
});

Deno.test("verify() refuses a foreign leaf however often the certificate of a victim is appended", async () => {
  const trust = await trustIn([root]);
  const selfSigned = makeCertificate({ subject: [["O", "ops"], ["CN", "admin"]], keyUsage: [0] });
  const foreign = makeClient(makeAuthority({ subject: "Evil CA" }), { subject: "admin" });
  for (const own of [selfSigned, foreign]) {
    for (
      const rest of [[victim], [victim, middle], [middle, victim], [middle, victim, root], [root, middle]]
    ) {
      await expectRefused(trust, [own, ...rest], "unknown_issuer", /unknown issuer/);
    }
  }
});

Deno.test("verify() refuses a self-signed leaf with the very name of the victim that is appended", async () => {
  const own = makeCertificate({ subject: "admin", keyUsage: [0] });
  await expectRefused(await trustIn([root]), [own, victim, middle], "invalid_path", /"CN=admin" is not a CA/);
});

Deno.test("verify() refuses a leaf that claims the names and identifiers of the trusted CA", async () => {
  const trust = await trustIn([root]);
  const twin = makeAuthority({ subject: "Root" });
  await expectRefused(
    trust,
    [makeClient(twin)],
    "bad_signature",
    /not signed with the key of its issuer "CN=Root"/,
  );
  await expectRefused(trust, [makeClient(twin), twin], "bad_signature", /not signed with the key/);
  await expectRefused(trust, [makeClient(twin), twin, root], "bad_signature", /not signed with the key/);
  const fakeMiddle = makeAuthority({ subject: "Middle", issuer: twin });
  await expectRefused(trust, [makeClient(fakeMiddle), fakeMiddle, middle], "bad_signature", /not signed/);
});

Deno.test("verify() refuses a leaf that another leaf signed", async () => {
  const trust = await trustIn([root]);
  const forged = makeCertificate({ subject: "admin", issuer: victim, keyUsage: [0] });
  await expectRefused(trust, [forged, victim, middle], "invalid_path", /its CA "CN=admin" is not a CA/);
});

Deno.test("verify() refuses every certificate of the bundle as a leaf", async () => {
  const trust = await trustIn([root, middle]);
  await expectRefused(trust, [root], "not_a_leaf", /itself in client_ca_bundle/);
  await expectRefused(trust, [middle, root], "not_a_leaf", /itself in client_ca_bundle/);
  await expectRefused(await trustIn([root]), [middle, root], "not_a_leaf", /CA:TRUE/);
});

Deno.test("verify() names the issuer that is missing, and says who could know it", async () => {
  const trust = await trustIn([root]);
  const lower = makeAuthority({ subject: "Lower", issuer: middle });
  const refused = await expectRefused(
    trust,
    [makeClient(lower, { subject: [["O", "ops"], ["CN", "bob"]] })],
    "unknown_issuer",
    /"CN=Lower" is neither in client_ca_bundle nor was it sent by the client/,
  );
  assert.deepEqual([refused.subject, refused.issuer], ["CN=bob,O=ops", "CN=Lower"]);
  await expectRefused(
    trust,
    [makeClient(lower), lower],
    "unknown_issuer",
    /"CN=Middle", which issued its CA "CN=Lower"/,
  );
  const stranger = makeAuthority({ subject: "Stranger" });
  await expectRefused(
    trust,
    [makeClient(stranger), stranger],
    "unknown_issuer",
    /root CA "CN=Stranger" is not in/,
  );
  await expectRefused(trust, [makeCertificate({ subject: "me" })], "unknown_issuer", /self-signed/);
});

Deno.test("verify() says that an intermediate is missing when it knows it for one", async () => {
  const trust = await trustIn([root]);
  const bob = makeClient(middle, { subject: "bob" });
  await expectRefused(trust, [bob], "unknown_issuer", /"CN=Middle" is neither/);
  await expectAccepted(trust, [victim, middle]);
  await expectRefused(
    trust,
    [bob],
    "missing_intermediate",
    /intermediate missing: the client did not send "CN=Middle"/,
  );
  const telling = makeClient(middle, { identifyIssuerByName: true });
  await expectRefused(await trustIn([root]), [telling], "missing_intermediate", /did not send "CN=Middle"/);
});

Deno.test("verify() finds the one valid way among several", async () => {
  const oldRoot = makeAuthority({ subject: "Old root", notAfter: new Date(Date.now() + DAY_MS) });
  const key = makeKeyPair("P-256");
  const newRoot = makeAuthority({ subject: "New root", key });
  const crossed = makeAuthority({ subject: "New root", key, issuer: oldRoot });
  const issuing = makeAuthority({ subject: "Issuing", issuer: newRoot });
  const leaf = makeClient(issuing);
  for (const trusted of [[oldRoot], [newRoot], [oldRoot, newRoot], [crossed]]) {
    await expectAccepted(await trustIn(trusted), [leaf, issuing, crossed]);
  }
  const later = Date.now() + 2 * DAY_MS;
  await expectAccepted(await trustIn([oldRoot, newRoot]), [leaf, issuing, crossed], later);
  await expectRefused(
    await trustIn([oldRoot]),
    [leaf, issuing, crossed],
    "expired",
    /"CN=Old root" expired/,
    later,
  );
});

Deno.test("verify() finds the CA that signed among several of the same name, also an expired twin of it", async () => {
  const key = makeKeyPair("P-256");
  const expired = makeAuthority({ subject: "Twin", key, notAfter: new Date(Date.now() - 3_600_000) });
  const renewed = makeAuthority({ subject: "Twin", key });
  const other = makeAuthority({ subject: "Twin" });
  const leaf = makeClient(renewed);
  await expectAccepted(await trustIn([expired, other, renewed]), [leaf]);
  await expectRefused(await trustIn([other, expired]), [leaf], "expired", /"CN=Twin" expired/);
  const expiredMiddle = makeAuthority({
    ...{ subject: "M", key, issuer: root },
    notAfter: new Date(Date.now() - 1000),
  });
  const goodMiddle = makeAuthority({ subject: "M", key, issuer: root });
  for (const sent of [[expiredMiddle, goodMiddle], [goodMiddle, expiredMiddle]]) {
    await expectAccepted(await trustIn([root]), [makeClient(goodMiddle), ...sent]);
  }
});

Deno.test("verify() ends at certificates that signed each other", async () => {
  const a = makeAuthority({ subject: "A" });
  const b = makeAuthority({ subject: "B" });
  const aByB = makeAuthority({ subject: "A", key: a.key, issuer: b });
  const bByA = makeAuthority({ subject: "B", key: b.key, issuer: a });
  await expectRefused(
    await trustIn([root]),
    [makeClient(aByB), aByB, bByA],
    "unknown_issuer",
    /unknown issuer/,
  );
  const steps: string[] = [];
  const chain = [makeClient(aByB), aByB, bByA].map(({ der }) => der);
  await (await trustIn([root])).verify(chain, Date.now(), (step) => steps.push(step));
  assert.equal(steps.filter((step) => step.startsWith("issuer of")).length, 3, steps.join("\n"));
  // The same below a trusted CA: the circle is left where it leads to the top.
  const aByRoot = makeAuthority({ subject: "A", key: a.key, issuer: root });
  await expectAccepted(await trustIn([root]), [makeClient(a), aByB, bByA, aByRoot]);
});

/** Nine certificates that could each have issued each other, by their names. */
function crowd(issuer: MadeCertificate): MadeCertificate[] {
  return Array.from({ length: 9 }, () => makeAuthority({ subject: "Root", issuer, issuerName: "Root" }));
}

Deno.test("verify() ends soon at certificates which all could have issued each other", async () => {
  const trust = await trustIn([root]);
  const evil = makeAuthority({ subject: "Root" });
  const chain = [makeClient(evil), ...crowd(evil)];
  const ms = await cheapest(
    () => expectRefused(trust, chain, "bad_signature", /not signed with the key/),
    500,
  );
  assert.ok(ms < 500, `took ${ms} ms`);
});

Deno.test("verify() gives up on certificates that name each other in more ways than anybody needs", async () => {
  const nowhere = makeAuthority({ subject: "Nowhere" });
  const many = Array.from({ length: 9 }, () => makeAuthority({ subject: "Nowhere" }));
  const chain = [makeClient(nowhere), ...many].map(({ der }) => der);
  let steps = 0;
  const verdict = await (await trustIn([root])).verify(chain, Date.now(), () => steps++);
  assert.equal(verdict.accepted ? "" : verdict.code, "too_large");
  assert.ok(steps < 600, `took ${steps} steps`);
});

Deno.test("verify() checks a bounded number of signatures", async () => {
  const trusted = Array.from({ length: 3 }, () => makeAuthority({ subject: "Root" }));
  const forged = Array.from({ length: 9 }, () => makeAuthority({ subject: "M", issuerName: "Root" }));
  const chain = [makeClient(makeAuthority({ subject: "M" })), ...forged];
  await expectRefused(await trustIn(trusted), chain, "too_large", /more than 24 signatures/);
});

Deno.test("verify() accepts the longest chain that may be sent", async () => {
  const line = [root];
  for (let i = 0; i < 9; i++) line.unshift(makeAuthority({ subject: `Level ${i}`, issuer: line[0] ?? root }));
  await expectAccepted(await trustIn([root]), [makeClient(line[0] ?? root), ...line.slice(0, -1)]);
});

Deno.test("verify() accepts no path that the second judge does not accept", async () => {
  const judge = {
    judge: () => Promise.reject(new Refusal("unsupported", "the second judge says no")),
  } as unknown as SecondJudge;
  const trust = new ClientTrust([readCertificate(root.der)], new Map(), undefined, judge);
  await expectRefused(trust, [victim, middle], "unsupported", /second judge says no/);
});

Deno.test("verify() refuses a chain too long to be one, before it reads it", async () => {
  const trust = await trustIn([root]);
  const many = Array.from({ length: 10 }, () => middle);
  await expectAccepted(trust, [victim, ...many.slice(0, 9)]);
  await expectRefused(trust, [victim, ...many], "too_large", /11 certificates were sent, at most 10/);
  const big = makeAuthority({
    issuer: root,
    extensions: [{ identifier: "1.2.3.4", value: new Uint8Array(100 * 1024) }],
  });
  const tooMany = /bytes of certificates were sent, at most 65536/;
  assert.ok(await cheapest(() => expectRefused(trust, [victim, big], "too_large", tooMany), 500) < 500);
  assert.deepEqual((await trust.verify([], Date.now())).accepted, false);
});

Deno.test("verify() says each step of the search to who asks for it", async () => {
  const steps: string[] = [];
  const trust = await trustIn([root]);
  await trust.verify([victim.der, middle.der, root.der], Date.now(), (step) => steps.push(step));
  assert.deepEqual(steps.slice(1), [
    'issuer of "CN=admin" is "CN=Middle": 0 in client_ca_bundle, 1 sent by the client',
    'issuer of "CN=Middle" is "CN=Root": 1 in client_ca_bundle, 0 sent by the client',
    'path 1 of 1: "CN=admin" < "CN=Middle" < "CN=Root"',
    'trusted CA "CN=Root" is good',
    'intermediate CA "CN=Middle" is good',
    'client certificate "CN=admin" is good',
    "accepted",
  ]);
});
