/** `doctor` on certificates, the CAs of clients and revocation lists. */
import assert from "node:assert/strict";
import { DAY_MS, makeAuthority, makeClient } from "../../auth/certificate_factory.ts";
import { makeRevocationList } from "../../auth/revocation_list_factory.ts";
import { FREE_PORT, makeServerCertificate, openTrial, SERVER_CA, writeTls } from "./doctor_trial.ts";

const CLIENT_CA = makeAuthority({ subject: "Client Root", notAfter: new Date(Date.now() + 400 * DAY_MS) });

Deno.test("doctor says what a good server certificate names, when it ends, and what clients must trust", async () => {
  await using trial = await openTrial();
  const line = await trial.examine(FREE_PORT + await writeTls(trial), "server certificate");
  assert.match(
    line,
    /^ok +server certificate: DNS:localhost, until .* UTC; clients must trust "CN=Server Root"$/,
  );
});

const FAULTS: Readonly<
  Record<string, { recipe: Parameters<typeof makeServerCertificate>[0]; line: RegExp }>
> = {
  "has expired": {
    recipe: { notBefore: new Date(0), notAfter: new Date(1e12) },
    line:
      /^problem +server certificate: certificate number 1 of .*server\.pem expired on 2001-09-09 .*Put a new one/,
  },
  "is not valid yet": {
    recipe: { notBefore: new Date(Date.now() + DAY_MS) },
    line: /^problem .* is not valid before .*Set the clock/,
  },
  "ends within a fifth of its lifetime": {
    recipe: { notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() + 1.5 * DAY_MS) },
    line: /^warning .* ends in 35 hours, on .*SIGHUP/,
  },
  "has no names but a common one": {
    recipe: { alternativeNames: [] },
    line: /^problem .*no subject alternative name/,
  },
  "is for clients": {
    recipe: { purposes: ["clientAuth"] },
    line: /^problem .*extendedKeyUsage lacks serverAuth/,
  },
};

for (const [fault, { recipe, line }] of Object.entries(FAULTS)) {
  Deno.test(`doctor notices a server certificate that ${fault}`, async () => {
    await using trial = await openTrial();
    const tls = await writeTls(trial, makeServerCertificate(recipe));
    assert.match(await trial.examine(FREE_PORT + tls, "server certificate"), line);
  });
}

Deno.test("doctor notices a chain in the wrong order", async () => {
  await using trial = await openTrial();
  const middle = makeAuthority({ subject: "Middle", issuer: SERVER_CA });
  const tls = await writeTls(trial, makeServerCertificate({ issuer: middle }), SERVER_CA.pem + middle.pem);
  assert.match(
    await trial.examine(FREE_PORT + tls, "server certificate"),
    /^problem .*certificate number 1 of .* was not issued by number 2\. Put the server's certificate first/,
  );
});

Deno.test("doctor notices that everybody can read the private key", async () => {
  await using trial = await openTrial();
  const tls = await writeTls(trial);
  await Deno.chmod(`${trial.folder}/server.key`, 0o644);
  assert.match(
    await trial.examine(FREE_PORT + tls, "server certificate"),
    /^warning .*everybody on this machine can read its key .*server\.key\. chmod o= /,
  );
});

Deno.test("doctor notices that tokens are to be had at a name that the certificate lacks", async () => {
  await using trial = await openTrial();
  const key = await trial.write("token.key", btoa("0123456789abcdef0123456789abcdef"));
  const service =
    `[auth.token_service]\nsecret_key_file = "${key}"\nrealm = "https://registry.example/token"\n`;
  assert.match(
    await trial.examine(FREE_PORT + await writeTls(trial) + service, "server certificate"),
    /^problem .*it names DNS:localhost, and external_url or realm sends clients to registry\.example$/,
  );
});

Deno.test("doctor says which client CA ends first, and that nothing is checked for revocation", async () => {
  await using trial = await openTrial();
  const bundle = await trial.write("ca.pem", CLIENT_CA.pem);
  const toml = `${FREE_PORT}${await writeTls(trial)}client_ca_bundle = "${bundle}"\n`;
  assert.match(
    await trial.examine(toml, "client CAs"),
    /^ok .*1, the first to end is the CA "CN=Client Root" on /,
  );
  assert.match(await trial.examine(toml, "revocation lists"), /^ok .*none/);
});

Deno.test("doctor notices client CAs and revocation lists that end soon, and those that cannot be used", async (t) => {
  await using trial = await openTrial();
  const examine = async (ca: string, crl: Uint8Array, check: string) => {
    const files = [await trial.write("ca.pem", ca), await trial.write("ca.crl", crl)];
    const lines = `client_ca_bundle = "${files[0]}"\nclient_crl_bundle = "${files[1]}"\n`;
    return await trial.examine(FREE_PORT + await writeTls(trial) + lines, check);
  };
  const times = (from: number, to: number) => ({
    thisUpdate: new Date(Date.now() + from),
    nextUpdate: new Date(Date.now() + to),
  });
  const fresh = makeRevocationList({ issuer: CLIENT_CA, ...times(-DAY_MS, 6 * DAY_MS) });
  await t.step("all is well", async () => {
    assert.match(
      await examine(CLIENT_CA.pem, fresh.der, "revocation lists"),
      /^ok .*the list of "CN=Client Root" on /,
    );
  });
  await t.step("a list that ends soon", async () => {
    const old = makeRevocationList({ issuer: CLIENT_CA, ...times(-6.5 * DAY_MS, DAY_MS / 2) });
    const line = await examine(CLIENT_CA.pem, old.der, "revocation lists");
    assert.match(line, /^warning .*the list of "CN=Client Root" ends in 1[12] hours.*issue a new list/);
  });
  await t.step("a list that has ended, which refuses everybody", async () => {
    const old = makeRevocationList({ issuer: CLIENT_CA, ...times(-9 * DAY_MS, -DAY_MS) });
    const line = await examine(CLIENT_CA.pem, old.der, "revocation lists");
    assert.match(line, /^problem .*client_crl_bundle \(.*ca\.crl\).* expired on .* \(crl_expired = "deny"\)/);
  });
  await t.step("a CA that ends soon", async () => {
    const ca = makeAuthority({
      subject: "Old",
      notBefore: new Date(0),
      notAfter: new Date(Date.now() + 10 * DAY_MS),
    });
    const list = makeRevocationList({ issuer: ca, ...times(-DAY_MS, 6 * DAY_MS) });
    const line = await examine(ca.pem, list.der, "client CAs");
    assert.match(line, /^warning .*the CA "CN=Old" ends in (9|10) days.*successor/);
  });
  await t.step("a client's certificate in the place of a CA", async () => {
    const line = await examine(makeClient(CLIENT_CA).pem, fresh.der, "client CAs");
    assert.match(line, /^problem .*server\.tls\.client_ca_bundle \(.*ca\.pem\).*cannot be used/);
  });
});
