import assert from "node:assert/strict";
import { anonymousIdentity, type CertificateFacts, type Identity } from "../../src/core/identity.ts";
import { uploadOwnerOf } from "../../src/core/upload_owner.ts";

const FACTS: CertificateFacts = {
  commonNames: ["alice"],
  organizations: ["ops"],
  organizationalUnits: [],
  dnsNames: [],
  emails: [],
  uris: [],
  serial: "1",
  fingerprint: "aa",
  issuerCommonNames: ["Root"],
  notAfter: 1,
};

function withCertificate(change: Partial<CertificateFacts>, username = ""): Identity {
  return { ...anonymousIdentity("192.0.2.1"), id: username, username, certificate: { ...FACTS, ...change } };
}

Deno.test("uploadOwnerOf() is the same for a renewed certificate and from another address", () => {
  const owner = uploadOwnerOf(withCertificate({}));
  assert.equal(uploadOwnerOf(withCertificate({ serial: "2", fingerprint: "bb", notAfter: 2 })), owner);
  assert.equal(uploadOwnerOf({ ...withCertificate({}), clientIp: "2001:db8::1" }), owner);
});

Deno.test("uploadOwnerOf() tells apart everybody who is not the same", () => {
  const owners = [
    uploadOwnerOf(anonymousIdentity("192.0.2.1")),
    uploadOwnerOf({ ...anonymousIdentity("192.0.2.1"), id: "1", username: "alice" }),
    uploadOwnerOf({ ...anonymousIdentity("192.0.2.1"), id: "2", username: "bob" }),
    uploadOwnerOf({
      ...anonymousIdentity("192.0.2.1"),
      id: "3",
      username: 'certificate [["Root"],["alice"]]',
    }),
    uploadOwnerOf(withCertificate({})),
    uploadOwnerOf(withCertificate({ commonNames: ["bob"] })),
    uploadOwnerOf(withCertificate({ issuerCommonNames: ["Other root"] })),
    uploadOwnerOf(withCertificate({ organizations: ["dev"] })),
    uploadOwnerOf(withCertificate({ organizations: [], organizationalUnits: ["ops"] })),
    uploadOwnerOf(withCertificate({ commonNames: [], dnsNames: ["alice"] })),
    uploadOwnerOf(withCertificate({ commonNames: [], emails: ["alice"] })),
    uploadOwnerOf(withCertificate({ commonNames: [], uris: ["alice"] })),
    uploadOwnerOf(withCertificate({ commonNames: ["a", "lice"] })),
    uploadOwnerOf(withCertificate({ commonNames: ['a","lice'] })),
  ];
  assert.equal(new Set(owners).size, owners.length, owners.join("\n"));
});

Deno.test("uploadOwnerOf() tells certificates apart that differ in nothing but attributes which no rule reads", () => {
  for (const organizations of [[], ["ops"]]) {
    const nameless = { commonNames: [], organizations };
    // UID=alice and UID=bob, say.
    const alice = uploadOwnerOf(withCertificate(nameless));
    assert.notEqual(uploadOwnerOf(withCertificate({ ...nameless, serial: "2", fingerprint: "bb" })), alice);
    assert.equal(uploadOwnerOf(withCertificate(nameless)), alice);
  }
});

Deno.test("uploadOwnerOf() is the user where a certificate and a user name come together", () => {
  const alice = { ...anonymousIdentity("192.0.2.1"), id: "alice", username: "alice" };
  assert.equal(uploadOwnerOf(withCertificate({}, "alice")), uploadOwnerOf(alice));
});
