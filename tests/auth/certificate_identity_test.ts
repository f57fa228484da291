/** Which certificates make an identity, and for how long a connection keeps it. */
import assert from "node:assert/strict";
import { basic, chainOf, FACTS, NOW, refusalOf, REFUSED, setUp, shown } from "./authenticator_trial.ts";

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

Deno.test("an accepted connection is asked for again after the clock was set back", async () => {
  const { authenticator, clock, trust } = setUp();
  const certificateChain = chainOf();
  const ask = () => authenticator.identify(shown({ certificateChain }));
  await ask();
  clock.time = NOW - 1;
  await ask();
  assert.equal(trust.asked, 2);
  clock.time = NOW;
  await ask();
  assert.equal(trust.asked, 2);
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
