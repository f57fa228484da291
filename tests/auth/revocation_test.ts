/** Holds that revoked certificates are refused, and that only lists which their own CA signed count. */
import assert from "node:assert/strict";
import { der, derInteger, derSequence } from "../harness/der.ts";
import { loadTrust, TrustError, type TrustSettings } from "../../src/auth/load_trust.ts";
import { DAY_MS, makeAuthority, makeClient } from "./certificate_factory.ts";
import { expectAccepted, expectRefused, trustIn } from "./expect_verdict.ts";
import { makeKeyPair } from "./key_factory.ts";
import { makeRevocationList, reasonCode, type RevocationListRecipe } from "./revocation_list_factory.ts";

const root = makeAuthority({ subject: "Root" });
const middle = makeAuthority({ subject: "Middle", issuer: root });
const alice = makeClient(middle, { subject: "alice" });
const bob = makeClient(middle, { subject: "bob" });
const rootList = makeRevocationList({ issuer: root });
const HOUR_MS = DAY_MS / 24;

function lists(...recipes: (RevocationListRecipe | Uint8Array)[]): Pick<TrustSettings, "crlBundle"> {
  return {
    crlBundle: recipes.map((recipe) =>
      recipe instanceof Uint8Array ? recipe : makeRevocationList(recipe).der
    ),
  };
}

async function problemsOf(settings: Partial<TrustSettings>, authorities = [root]): Promise<string> {
  try {
    await trustIn(authorities, settings);
  } catch (fault) {
    assert.ok(fault instanceof TrustError);
    for (const problem of fault.problems) assert.match(problem, /^client_crl_bundle[\x20-\x7e]+$/);
    return fault.problems.join("\n");
  }
  return assert.fail("the revocation lists were accepted");
}

async function warningsOf(settings: Partial<TrustSettings>, authorities = [root]): Promise<string> {
  const caBundle = authorities.map(({ pem }) => pem).join("");
  const whole: TrustSettings = { caBundle, crlMissing: "deny", crlExpired: "deny", ...settings };
  return (await loadTrust(whole, new Date())).warnings.join("\n");
}

Deno.test("verify() refuses a revoked leaf and accepts its neighbour", async () => {
  const trust = await trustIn([root], lists({ issuer: root }, { issuer: middle, revoked: [alice] }));
  await expectRefused(trust, [alice, middle], "revoked", /refused: revoked by its issuer "CN=Middle"/);
  await expectAccepted(trust, [bob, middle]);
});

Deno.test("verify() refuses the leaves of a revoked intermediate", async () => {
  const trust = await trustIn([root], lists({ issuer: root, revoked: [middle] }, { issuer: middle }));
  await expectRefused(trust, [alice, middle], "revoked", /CA "CN=Middle" is revoked by "CN=Root"/);
});

Deno.test("verify() refuses the leaves of a revoked intermediate that is itself in the bundle", async () => {
  const trust = await trustIn([root, middle], lists({ issuer: root, revoked: [middle] }, { issuer: middle }));
  await expectRefused(trust, [alice], "revoked", /CA "CN=Middle" is revoked by "CN=Root"/);
  const nextUpdate = new Date(Math.floor(Date.now() / 1000) * 1000 + HOUR_MS);
  const good = await trustIn([root, middle], lists({ issuer: root, nextUpdate }, { issuer: middle }));
  assert.equal((await expectAccepted(good, [alice])).validUntil, nextUpdate.getTime());
  const other = await trustIn([root, middle], lists({ issuer: middle }));
  await expectAccepted(other, [alice]);
});

Deno.test("verify() reads lists in PEM, several in one file, beside lists in DER", async () => {
  const pem = rootList.pem + makeRevocationList({ issuer: middle, revoked: [alice] }).pem;
  const trust = await trustIn([root], { crlBundle: [new TextEncoder().encode(`# lists\n${pem}`)] });
  await expectRefused(trust, [alice, middle], "revoked", /revoked/);
  await expectAccepted(trust, [bob, middle]);
});

Deno.test("verify() refuses where there is no list of an issuer, unless crl_missing allows it", async () => {
  const onlyRoot = lists({ issuer: root });
  await expectRefused(
    await trustIn([root], onlyRoot),
    [alice, middle],
    "crl_missing",
    /of its issuer "CN=Middle"/,
  );
  await expectAccepted(await trustIn([root], { ...onlyRoot, crlMissing: "allow" }), [alice, middle]);
  const onlyMiddle = lists({ issuer: middle });
  await expectRefused(await trustIn([root], onlyMiddle), [alice, middle], "crl_missing", /"CN=Root"/);
  await expectRefused(await trustIn([root], lists()), [makeClient(root)], "crl_missing", /"CN=Root"/);
  await expectAccepted(await trustIn([root]), [alice, middle]);
});

Deno.test("verify() does not let the list of another CA of the same name count", async () => {
  const twin = makeAuthority({ subject: "Root" });
  const [ours, theirs] = [makeClient(root), makeClient(twin)];
  const trust = await trustIn([root, twin], lists({ issuer: twin, revoked: [ours] }));
  await expectRefused(trust, [ours], "crl_missing", /"CN=Root"/);
  await expectAccepted(trust, [theirs]);
  const allowing = await trustIn([root, twin], {
    ...lists({ issuer: twin, revoked: [ours] }),
    crlMissing: "allow",
  });
  await expectAccepted(allowing, [ours]);
});

Deno.test("verify() does not let a list count that an impostor signed for an intermediate", async () => {
  const forged = { issuer: middle, key: makeKeyPair("P-256") };
  const trust = await trustIn([root], lists({ issuer: root }, { ...forged }, { ...forged, revoked: [bob] }));
  await expectRefused(trust, [alice, middle], "crl_missing", /"CN=Middle"/);
  const both = await trustIn([root], lists({ issuer: root }, forged, { issuer: middle, revoked: [alice] }));
  await expectRefused(both, [alice, middle], "revoked", /revoked/);
});

Deno.test("verify() uses the newest of several lists", async () => {
  const older = { issuer: middle, thisUpdate: new Date(Date.now() - 2 * HOUR_MS), revoked: [alice] };
  const newer = { issuer: middle, thisUpdate: new Date(Date.now() - HOUR_MS), revoked: [bob] };
  for (const order of [[older, newer], [newer, older]]) {
    const trust = await trustIn([root], lists({ issuer: root }, ...order));
    await expectAccepted(trust, [alice, middle]);
    await expectRefused(trust, [bob, middle], "revoked", /revoked/);
  }
});

Deno.test("verify() does not take lists of a CA that may not sign any", async () => {
  const mute = makeAuthority({ subject: "Mute", issuer: root, keyUsage: [5] });
  const trust = await trustIn([root], lists({ issuer: root }, { issuer: mute }));
  await expectRefused(trust, [makeClient(mute), mute], "crl_missing", /"CN=Mute"/);
  const muteRoot = makeAuthority({ subject: "Mute root", keyUsage: [5] });
  assert.match(await problemsOf(lists({ issuer: muteRoot }), [muteRoot]), /lacks cRLSign/);
});

Deno.test("verify() refuses a list that expired since the start, unless crl_expired only warns", async () => {
  const nextUpdate = new Date(Math.floor(Date.now() / 1000) * 1000 + HOUR_MS);
  const expiring = lists({ issuer: root }, { issuer: middle, nextUpdate, revoked: [bob] });
  const trust = await trustIn([root], expiring);
  const { validUntil } = await expectAccepted(trust, [alice, middle]);
  assert.equal(validUntil, nextUpdate.getTime());
  const later = validUntil + 1;
  await expectRefused(trust, [alice, middle], "crl_expired", /list of "CN=Middle" expired on/, later);
  await expectRefused(trust, [bob, middle], "revoked", /revoked/, later);
  const lenient = await trustIn([root], { ...expiring, crlExpired: "warn" });
  assert.ok((await expectAccepted(lenient, [alice, middle], later)).validUntil > later);
  await expectRefused(lenient, [bob, middle], "revoked", /revoked/, later);
});

Deno.test("loadTrust() refuses an expired list, or warns of it, as crl_expired says", async () => {
  const expired = lists({ issuer: root, nextUpdate: new Date(Date.now() - 1000) });
  assert.match(await problemsOf(expired), /list of "CN=Root" expired on \d{4}-.* \(crl_expired = "deny"\)/);
  assert.match(await warningsOf({ ...expired, crlExpired: "warn" }), /"CN=Root" expired on/);
  const early = lists({ issuer: root, thisUpdate: new Date(Date.now() + HOUR_MS) });
  assert.match(await problemsOf(early), /is made on .*, which is not yet/);
});

Deno.test("loadTrust() warns of a CA without a list, and of a list without a CA", async () => {
  assert.match(await warningsOf(lists()), /no list of the CA "CN=Root": .* will be refused/);
  assert.match(await warningsOf({ ...lists(), crlMissing: "allow" }), /count as not revoked/);
  assert.match(
    await warningsOf(lists({ issuer: root }, { issuer: middle })),
    /^[^\n]*"CN=Middle" is not of a CA[^\n]*$/,
  );
});

const crl = { issuer: root };
const UNUSABLE: [title: string, file: RevocationListRecipe | Uint8Array, text: RegExp][] = [
  ["that another key signed", { ...crl, key: makeKeyPair("P-256") }, /not signed by the CA of that name/],
  ["that is signed with SHA-1", { ...crl, signatureHash: "SHA-1" }, /SHA-1, which is not safe/],
  ["without nextUpdate", { ...crl, nextUpdate: "none" }, /does not say when the next one is due/],
  ["that is a delta", {
    ...crl,
    extensions: [{ identifier: "2.5.29.27", critical: true, value: derInteger(Uint8Array.of(1)) }],
  }, /delta list/],
  ["for a part only", {
    ...crl,
    extensions: [{
      identifier: "2.5.29.28",
      critical: true,
      value: derSequence(der(0x81, Uint8Array.of(255))),
    }],
  }, /issuingDistributionPoint/],
  ["with an unknown critical extension", {
    ...crl,
    extensions: [{ identifier: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }],
  }, /critical extension 1\.2\.3\.4/],
  ["with entries of other CAs", {
    ...crl,
    extensions: [{ identifier: "2.5.29.20", value: derInteger(Uint8Array.of(1)) }],
    revoked: [{
      serial: Uint8Array.of(1),
      extensions: [{ identifier: "2.5.29.29", critical: true, value: derSequence() }],
    }],
  }, /entry has the critical extension 2\.5\.29\.29/],
  ["that is empty", new Uint8Array(0), /neither a PEM block X509 CRL nor/],
  ["that is a certificate in PEM", new TextEncoder().encode(root.pem), /is a CERTIFICATE, expected/],
  ["that is a certificate in DER", root.der, /cannot be used/],
  ["that is cut off", rootList.der.slice(0, -1), /cut off/],
  ["with bytes at its end", Uint8Array.of(...rootList.der, 0), /at its end/],
  ["that is no list", new TextEncoder().encode("hello"), /neither a PEM block/],
];

for (const [title, file, text] of UNUSABLE) {
  Deno.test(`loadTrust() refuses a revocation list ${title}`, async () => {
    assert.match(await problemsOf(lists(file)), text);
  });
}

Deno.test("verify() takes every entry for revoked, whatever its reason", async () => {
  const held = makeClient(root, { subject: "held", serial: Uint8Array.of(6) });
  const removed = makeClient(root, { subject: "removed", serial: Uint8Array.of(8) });
  const revoked = [held, removed].map(({ serial }) => ({ serial, extensions: [reasonCode(serial[0] ?? 0)] }));
  const extensions = [{ identifier: "2.5.29.20", value: derInteger(Uint8Array.of(1)) }];
  const trust = await trustIn([root], lists({ issuer: root, extensions, revoked }));
  for (const leaf of [held, removed]) await expectRefused(trust, [leaf], "revoked", /revoked/);
});

Deno.test("verify() finds a serial number among 100,000 and the thread answers meanwhile", async () => {
  const revoked: { serial: Uint8Array }[] = [];
  for (let i = 0; i < 100_000; i++) {
    const serial = new Uint8Array(16);
    new DataView(serial.buffer).setUint32(12, i);
    serial[0] = 1;
    revoked.push({ serial });
  }
  const file = makeRevocationList({ issuer: root, revoked }).der;
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const trust = await trustIn([root], lists(file));
  clearInterval(timer);
  assert.ok(turns >= 5, `other work had ${turns} turns`);
  const client = (last: number) =>
    makeClient(root, { serial: Uint8Array.of(1, ...new Uint8Array(14), last) });
  await expectRefused(trust, [client(7)], "revoked", /revoked/);
  await expectAccepted(trust, [makeClient(root)]);
});
