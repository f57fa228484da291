/** Certificates, passwords and tokens together. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { ClientAddress } from "../../src/auth/client_address.ts";
import type { ClientTrust } from "../../src/auth/client_trust.ts";
import type { CertificateVerdict } from "../../src/auth/certificate_verdict.ts";
import { type AuthenticatorParts, RegistryAuthenticator } from "../../src/auth/registry_authenticator.ts";
import { TokenService } from "../../src/auth/token_service.ts";
import { VerdictCache } from "../../src/auth/verdict_cache.ts";
import type { CertificateFacts } from "../../src/core/identity.ts";
import { OciError } from "../../src/core/oci_error.ts";
import type { Credentials } from "../../src/ports/authenticator.ts";
import { utf8 } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { FakeChecker } from "./cheap_identities.ts";

const NOW = 1_700_000_000_000;
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
  notAfter: NOW + 60_000,
};
const REFUSED: CertificateVerdict = {
  accepted: false,
  code: "expired",
  reason: "client certificate refused: expired",
  subject: "CN=mallory",
  issuer: "CN=Root",
  serial: "2",
  fingerprint: "bb",
};

/** Gives its verdict, counts, and can be made to wait. */
class FakeTrust {
  asked = 0;
  gate: Promise<void> = Promise.resolve();
  verdict: CertificateVerdict = { accepted: true, facts: FACTS, validUntil: NOW + 60_000 };

  async verify(): Promise<CertificateVerdict> {
    this.asked++;
    await this.gate;
    return this.verdict;
  }

  get asTrust(): ClientTrust {
    return this as unknown as ClientTrust;
  }
}

function setUp(change: Partial<AuthenticatorParts> = {}) {
  const { lines, log } = makeModelRegistry();
  const trust = new FakeTrust();
  const verdicts = new VerdictCache(trust.asTrust);
  const checker = new FakeChecker();
  const clock = { time: NOW, now: () => clock.time };
  const authenticator = new RegistryAuthenticator({
    clock,
    log,
    addresses: new ClientAddress([{ address: "10.0.0.0", prefixLength: 8 }]),
    certificates: { verdicts, required: false },
    passwords: checker,
    tokens: new TokenService(new Uint8Array(32).fill(7), 60),
    usernames: new Map([["bob-id", "bob"], ["carol-id", "carol"]]),
    ...change,
  });
  return { authenticator, checker, clock, lines, trust, verdicts };
}

function shown(change: Partial<Credentials> = {}): Credentials {
  return {
    peerAddress: "192.0.2.1",
    forwardedFor: [],
    authorization: undefined,
    certificateChain: undefined,
    ...change,
  };
}

const basic = (pair: string): string => `Basic ${utf8(pair).toBase64()}`;
const chainOf = (byte = 1): readonly Uint8Array[] => [Uint8Array.of(byte)];

async function refusalOf(promise: Promise<unknown>): Promise<OciError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof OciError, `${error}`);
    return error;
  }
  assert.fail("it was not refused");
}

Deno.test("somebody who shows nothing is nobody, at the address that the proxies tell", async () => {
  const { authenticator } = setUp();
  const nobody = { id: "", username: "", certificate: undefined };
  assert.deepEqual(await authenticator.identify(shown()), { clientIp: "192.0.2.1", ...nobody });
  assert.deepEqual(await authenticator.identify(shown({ authorization: basic(":") })), {
    clientIp: "192.0.2.1",
    ...nobody,
  });
  const behind = shown({ peerAddress: "10.0.0.1", forwardedFor: ["203.0.113.9"] });
  assert.deepEqual(await authenticator.identify(behind), { clientIp: "203.0.113.9", ...nobody });
});

Deno.test("certificate and password add up, and each stands alone", async () => {
  const { authenticator } = setUp();
  const bob = { id: "bob-id", username: "bob" };
  const authorization = basic("bob:right");
  const cases: [Partial<Credentials>, object][] = [
    [{ authorization }, { ...bob, certificate: undefined }],
    [{ certificateChain: chainOf() }, { id: "", username: "", certificate: FACTS }],
    [{ authorization, certificateChain: chainOf() }, { ...bob, certificate: FACTS }],
  ];
  for (const [credentials, identity] of cases) {
    assert.deepEqual(await authenticator.identify(shown(credentials)), {
      clientIp: "192.0.2.1",
      ...identity,
    });
  }
});

Deno.test("a bad password refuses beside a good certificate too", async () => {
  const { authenticator, lines } = setUp();
  for (const pair of ["bob:wrong", "bob:", "hunter2:x"]) {
    const credentials = shown({ authorization: basic(pair), certificateChain: chainOf() });
    const { code, message } = await refusalOf(authenticator.identify(credentials));
    assert.deepEqual([code, message], ["UNAUTHORIZED", "Authentication failed: wrong user name or password"]);
  }
  const logged = lines.filter(({ level }) => level === "warn").map(({ fields }) => fields);
  assert.deepEqual(logged, [
    { client_ip: "192.0.2.1", username: "bob" },
    { client_ip: "192.0.2.1", username: "bob" },
    // The name of nobody may be a password.
    { client_ip: "192.0.2.1" },
  ]);
});

Deno.test("a refused certificate never becomes anonymous, whatever comes beside it", async () => {
  const { authenticator, checker, lines, trust } = setUp();
  trust.verdict = REFUSED;
  const { token } = await authenticator.issueToken({
    clientIp: "",
    id: "bob-id",
    username: "bob",
    certificate: undefined,
  });
  const certificateChain = chainOf();
  for (const authorization of [undefined, basic(":"), basic("bob:right"), `Bearer ${token}`]) {
    const error = await refusalOf(authenticator.identify(shown({ certificateChain, authorization })));
    assert.deepEqual([error.code, error.message], ["DENIED", "client certificate refused: expired"]);
    assert.deepEqual(error.headers, { connection: "close" });
  }
  assert.equal(checker.asked.length, 0);
  assert.deepEqual(lines, [{
    level: "warn",
    message: "client certificate refused",
    fields: {
      client_ip: "192.0.2.1",
      code: "expired",
      reason: "client certificate refused: expired",
      subject: "CN=mallory",
      issuer: "CN=Root",
      serial: "2",
      fingerprint: "bb",
    },
  }], "one line for a connection");
  await refusalOf(authenticator.identify(shown({ certificateChain: chainOf() })));
  assert.equal(lines.length, 2, "and one for the next");
});

Deno.test("a fault of the verification refuses, and only the log has its cause", async () => {
  const { authenticator, lines, trust } = setUp();
  trust.verdict = {
    ...REFUSED,
    code: "fault",
    reason: "client certificate refused: ours",
    cause: new Error("x"),
  };
  assert.equal(
    (await refusalOf(authenticator.identify(shown({ certificateChain: chainOf() })))).code,
    "DENIED",
  );
  assert.ok(lines[0]!.fields!["error"] instanceof Error);
});

Deno.test("where a certificate is required nothing else will do", async () => {
  const { verdicts } = setUp();
  const { authenticator, checker } = setUp({ certificates: { verdicts, required: true } });
  for (const authorization of [undefined, basic("bob:right")]) {
    const { code, message } = await refusalOf(authenticator.identify(shown({ authorization })));
    assert.equal(code, "UNAUTHORIZED");
    assert.equal(message, "Authentication required: this registry asks for a client certificate");
  }
  assert.equal(checker.asked.length, 0);
  const identity = await authenticator.identify(shown({ certificateChain: chainOf() }));
  assert.deepEqual(identity.certificate, FACTS);
});

Deno.test("where no certificates are asked for none is looked at", async () => {
  const { authenticator } = setUp({ certificates: undefined });
  const identity = await authenticator.identify(shown({ certificateChain: chainOf() }));
  assert.equal(identity.certificate, undefined);
});

Deno.test("a connection keeps its verdict for as long as it holds, and no longer", async () => {
  const { authenticator, clock, trust } = setUp();
  const certificateChain = chainOf();
  // An own cache each, so that only the connection's memory answers.
  const ask = () => authenticator.identify(shown({ certificateChain }));
  for (const time of [NOW, NOW + 1, NOW + 60_000]) {
    clock.time = time;
    await ask();
  }
  assert.equal(trust.asked, 1);
  clock.time = NOW + 60_001;
  trust.verdict = REFUSED;
  assert.equal((await refusalOf(ask())).code, "DENIED");
  assert.equal(trust.asked, 2);
});

Deno.test("an accepted connection is asked for again after a change of trust, and after the clock was set back", async () => {
  const { authenticator, clock, trust, verdicts } = setUp();
  const certificateChain = chainOf();
  const ask = () => authenticator.identify(shown({ certificateChain }));
  await ask();
  clock.time = NOW - 1;
  await ask();
  assert.equal(trust.asked, 2);
  clock.time = NOW;
  await ask();
  assert.equal(trust.asked, 2);
  const stricter = new FakeTrust();
  stricter.verdict = REFUSED;
  verdicts.replaceTrust(stricter.asTrust);
  assert.equal((await refusalOf(ask())).code, "DENIED");
});

Deno.test("a change of trust while a certificate is verified counts for it", async () => {
  const { authenticator, trust, verdicts } = setUp();
  const gate = Promise.withResolvers<void>();
  trust.gate = gate.promise;
  const certificateChain = chainOf();
  const first = authenticator.identify(shown({ certificateChain }));
  const stricter = new FakeTrust();
  stricter.verdict = REFUSED;
  verdicts.replaceTrust(stricter.asTrust);
  gate.resolve();
  assert.equal((await refusalOf(first)).code, "DENIED");
});

Deno.test("a verdict of the old trust is not kept for the new one, however late the change comes", async () => {
  // The change comes between the verdict and its receiver.
  const stricter = new FakeTrust();
  stricter.verdict = REFUSED;
  const trust = new FakeTrust();
  class LateChange extends VerdictCache {
    override async verify(...args: Parameters<VerdictCache["verify"]>): Promise<CertificateVerdict> {
      const verdict = await super.verify(...args);
      if (trust.asked === 1 && stricter.asked === 0) this.replaceTrust(stricter.asTrust);
      return verdict;
    }
  }
  const { authenticator } = setUp({
    certificates: { verdicts: new LateChange(trust.asTrust), required: false },
  });
  const certificateChain = chainOf();
  await authenticator.identify(shown({ certificateChain }));
  const again = authenticator.identify(shown({ certificateChain }));
  assert.equal((await refusalOf(again)).code, "DENIED");
});

Deno.test("two connections with one certificate have a verdict each", async () => {
  const { authenticator, trust } = setUp();
  await authenticator.identify(shown({ certificateChain: chainOf(1) }));
  trust.verdict = REFUSED;
  await authenticator.identify(shown({ certificateChain: chainOf(1) }));
  assert.equal(
    (await refusalOf(authenticator.identify(shown({ certificateChain: chainOf(2) })))).code,
    "DENIED",
  );
});

Deno.test("a token stands for the user who got it, never for the certificate or the address", async () => {
  const { authenticator } = setUp();
  const authorization = basic("bob:right");
  const bob = await authenticator.identify(shown({ authorization, certificateChain: chainOf() }));
  const { token } = await authenticator.issueToken(bob);
  assert.doesNotMatch(atob(token.split(".")[1]!), /alice|ops|aa|192/);
  const other = shown({ peerAddress: "192.0.2.2", authorization: `Bearer ${token}` });
  assert.deepEqual(await authenticator.identify(other), {
    clientIp: "192.0.2.2",
    id: "bob-id",
    username: "bob",
    certificate: undefined,
  });
  const withCertificate = await authenticator.identify({ ...other, certificateChain: chainOf() });
  assert.deepEqual(withCertificate.certificate, FACTS);
});

Deno.test("an anonymous token stands for nobody, also beside a certificate", async () => {
  const { authenticator } = setUp();
  const { token } = await authenticator.issueToken(
    await authenticator.identify(shown({ certificateChain: chainOf() })),
  );
  const identity = await authenticator.identify(shown({ authorization: `bearer ${token}` }));
  assert.deepEqual([identity.id, identity.username, identity.certificate], ["", "", undefined]);
});

Deno.test("the token of a user who is gone, renamed or swapped is refused", async () => {
  const { authenticator } = setUp();
  for (
    const holder of [
      { id: "dave-id", username: "dave" },
      { id: "bob-id", username: "carol" },
      { id: "bob-id", username: "" },
      { id: "", username: "bob" },
    ]
  ) {
    const { token } = await authenticator.issueToken({ clientIp: "", certificate: undefined, ...holder });
    const { code, message } = await refusalOf(
      authenticator.identify(shown({ authorization: `Bearer ${token}` })),
    );
    assert.deepEqual([code, message], [
      "UNAUTHORIZED",
      "The bearer token is refused: its user is known no more",
    ]);
  }
});

Deno.test("a token of another registry, or one that expired, refuses beside a good certificate", async () => {
  const { authenticator, clock } = setUp();
  const other = setUp({ tokens: new TokenService(randomBytes(32), 60) }).authenticator;
  const bob = { clientIp: "", id: "bob-id", username: "bob", certificate: undefined };
  const foreign = `Bearer ${(await other.issueToken(bob)).token}`;
  const own = `Bearer ${(await authenticator.issueToken(bob)).token}`;
  const ask = (authorization: string) =>
    authenticator.identify(shown({ authorization, certificateChain: chainOf() }));
  assert.equal((await refusalOf(ask(foreign))).code, "UNAUTHORIZED");
  await ask(own);
  clock.time = NOW + 60_000;
  assert.match((await refusalOf(ask(own))).message, /expired/);
});

Deno.test("what is switched off refuses whoever uses it, instead of taking them for nobody", async () => {
  const { authenticator } = setUp({ passwords: undefined, tokens: undefined });
  for (
    const [authorization, text] of [[basic("bob:right"), /no passwords/], ["Bearer x", /no tokens/]] as const
  ) {
    const { code, message } = await refusalOf(authenticator.identify(shown({ authorization })));
    assert.equal(code, "UNAUTHORIZED");
    assert.match(message, text);
  }
  await assert.rejects(authenticator.issueToken(await authenticator.identify(shown())), /off/);
});

Deno.test("too many wrong passwords, and a full queue, are told with the time to wait", async () => {
  const { authenticator, checker } = setUp();
  const ask = () => authenticator.identify(shown({ authorization: basic("bob:right") }));
  for (
    const [kind, text] of [["limited", /wrong passwords from 192\.0\.2\.1/], ["busy", /waiting/]] as const
  ) {
    checker.answer = { kind, retryAfterSeconds: 17 };
    const error = await refusalOf(ask());
    assert.deepEqual([error.status, error.headers], [429, { "retry-after": "17" }]);
    assert.match(error.message, text);
  }
});

Deno.test("the address of a failure is that of the client, not of its proxy", async () => {
  const { authenticator, checker } = setUp();
  const authorization = basic("bob:right");
  await authenticator.identify(
    shown({ authorization, peerAddress: "10.0.0.1", forwardedFor: ["203.0.113.9"] }),
  );
  await authenticator.identify(
    shown({ authorization, peerAddress: "192.0.2.1", forwardedFor: ["203.0.113.9"] }),
  );
  assert.deepEqual(checker.asked.map(({ address }) => address), ["203.0.113.9", "192.0.2.1"]);
});
