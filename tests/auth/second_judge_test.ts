/** Holds that pkijs really judges what it is given, with the leaf where it belongs. */
import assert from "node:assert/strict";
import { Refusal } from "../../src/auth/certificate_verdict.ts";
import { SecondJudge } from "../../src/auth/second_judge.ts";
import { readCertificate } from "../../src/auth/x509_certificate.ts";
import { DAY_MS, type MadeCertificate, makeAuthority, makeClient } from "./certificate_factory.ts";

const judge = await SecondJudge.load();
const root = makeAuthority({ subject: "Root" });
const middle = makeAuthority({ subject: "Middle", issuer: root });
const leaf = makeClient(middle);

async function isRefused(path: MadeCertificate[], now = Date.now()): Promise<void> {
  const certificates = path.map((certificate) => readCertificate(certificate.der));
  await assert.rejects(
    judge.judge(certificates, now),
    (fault) => fault instanceof Refusal && /^pkijs, which checks every path once more/.test(fault.message),
  );
}

Deno.test("SecondJudge accepts a good path", async () => {
  await judge.judge([leaf, middle, root].map(({ der }) => readCertificate(der)), Date.now());
});

Deno.test("SecondJudge refuses a path whose signatures, names, dates or CAs are wrong", async () => {
  const twin = makeAuthority({ subject: "Middle", issuer: root });
  await isRefused([makeClient(twin), middle, root]);
  await isRefused([leaf, middle, makeAuthority({ subject: "Root" })]);
  await isRefused([leaf, root]);
  await isRefused([leaf]);
  await isRefused([leaf, middle, root], Date.now() + 40 * DAY_MS);
  const client = makeClient(root, { subject: "client" });
  await isRefused([makeClient(client), client, root]);
  await isRefused([makeClient(makeAuthority({ subject: "X" }), { issuerName: "Root" }), root]);
});
