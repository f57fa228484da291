/** Certificates, passwords and tokens together. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { TokenService } from "../../src/auth/token_service.ts";
import type { Credentials } from "../../src/ports/authenticator.ts";
import { basic, chainOf, FACTS, NOW, refusalOf, setUp, shown } from "./authenticator_trial.ts";

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
