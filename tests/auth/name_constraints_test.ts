/** Holds which names a CA with name constraints may give to those below it. */
import type { CertificateRecipe } from "./certificate_factory.ts";
import { makeAuthority, makeClient } from "./certificate_factory.ts";
import { expectAccepted, expectRefused, trustIn } from "./expect_verdict.ts";

type Constraints = Pick<CertificateRecipe, "permitted" | "excluded">;

const DNS: Constraints = { permitted: [{ dns: "example.com" }, { dns: ".below.test" }] };
const NOT_DNS: Constraints = { excluded: [{ dns: "secret.example.com" }] };
const EMAIL: Constraints = {
  permitted: [{ email: "example.com" }, { email: ".sub.test" }, { email: "Bob@x.test" }],
};
const URI: Constraints = { permitted: [{ uri: "example.com" }, { uri: ".cluster.test" }] };
const NOT_URI: Constraints = { excluded: [{ uri: "example.com" }] };
const DIRECTORY: Constraints = { permitted: [{ directory: [["C", "DE"], ["O", "Example"]] }] };
const NOT_DIRECTORY: Constraints = { excluded: [{ directory: [["O", "Prod"]] }] };
const NO_ADDRESS: Constraints = { excluded: [{ ip: new Uint8Array(8) }] };

const uri = (text: string): CertificateRecipe => ({ alternativeNames: [{ uri: text }] });
const dns = (text: string): CertificateRecipe => ({ alternativeNames: [{ dns: text }] });
const email = (text: string): CertificateRecipe => ({ alternativeNames: [{ email: text }] });

const PERMITTED: [constraints: Constraints, leaf: CertificateRecipe][] = [
  [DNS, dns("example.com")],
  [DNS, dns("a.b.EXAMPLE.com")],
  [DNS, dns("x.below.test")],
  [DNS, {}],
  [DNS, email("a@b.test")],
  [NOT_DNS, dns("example.com")],
  [NOT_DNS, dns("notsecret.example.com")],
  [EMAIL, email("alice@example.com")],
  [EMAIL, email("alice@a.sub.test")],
  [EMAIL, email("Bob@x.test")],
  [URI, uri("spiffe://example.com/build")],
  [URI, uri("https://user@a.cluster.test:8080/x?y")],
  [NOT_URI, uri("spiffe://sub.example.com/")],
  [DIRECTORY, { subject: [["C", "DE"], ["O", "Example"], ["CN", "alice"]] }],
  [DIRECTORY, { subject: [["C", "DE", "PrintableString"], ["O", "Example"]] }],
  [NOT_DIRECTORY, { subject: [["O", "Dev"], ["CN", "alice"]] }],
  [NO_ADDRESS, dns("example.com")],
];

const FORBIDDEN: [constraints: Constraints, leaf: CertificateRecipe][] = [
  [DNS, dns("example.org")],
  [DNS, dns("badexample.com")],
  [DNS, dns("example.com.evil.org")],
  [DNS, dns("below.test")],
  [DNS, { alternativeNames: [{ dns: "example.com" }, { dns: "evil.org" }] }],
  [NOT_DNS, dns("secret.example.com")],
  [NOT_DNS, dns("a.SECRET.example.com")],
  [EMAIL, email("alice@sub.example.com")],
  [EMAIL, email("alice@sub.test")],
  [EMAIL, email("eve@x.test")],
  [EMAIL, email("no-address")],
  [EMAIL, { subject: [["CN", "alice"], ["emailAddress", "alice@evil.org", "IA5String"]] }],
  [URI, uri("spiffe://sub.example.com/")],
  [URI, uri("spiffe://evil.org/example.com")],
  [URI, uri("https://example.com@evil.org/")],
  [URI, uri("https://127.0.0.1/")],
  [URI, uri("urn:example.com")],
  [NOT_URI, uri("spiffe://EXAMPLE.com/")],
  [NOT_URI, uri("urn:no-host")],
  [NOT_URI, uri("https://127.0.0.1/")],
  [DIRECTORY, { subject: "alice" }],
  [DIRECTORY, { subject: [["O", "Example"], ["C", "DE"]] }],
  [DIRECTORY, { subject: [["C", "DE"], ["O", "example"]] }],
  [NOT_DIRECTORY, { subject: [["O", "PROD"], ["CN", "alice"]] }],
  [NOT_DIRECTORY, { subject: [["O", "Prod", "PrintableString"]] }],
  [NOT_DIRECTORY, { alternativeNames: [{ directory: [["O", "prod"], ["CN", "x"]] }] }],
  [NO_ADDRESS, { alternativeNames: [{ ip: Uint8Array.of(127, 0, 0, 1) }] }],
];

const root = makeAuthority({ subject: [["C", "DE"], ["O", "Example"], ["CN", "Root"]] });
const middleName = [["C", "DE"], ["O", "Example"], ["CN", "Middle"]] as const;

for (const [constraints, recipe] of PERMITTED) {
  Deno.test(`verify() accepts ${title(recipe)} under ${title(constraints)}`, async () => {
    const constrained = makeAuthority({ subject: middleName, issuer: root, ...constraints });
    await expectAccepted(await trustIn([root]), [makeClient(constrained, recipe), constrained]);
    await expectAccepted(await trustIn([constrained]), [makeClient(constrained, recipe)]);
  });
}

for (const [constraints, recipe] of FORBIDDEN) {
  Deno.test(`verify() refuses ${title(recipe)} under ${title(constraints)}`, async () => {
    const constrained = makeAuthority({ subject: middleName, issuer: root, ...constraints });
    const chain = [makeClient(constrained, recipe), constrained];
    await expectRefused(await trustIn([root]), chain, "invalid_path", /name constraint of a CA above/);
    await expectRefused(await trustIn([constrained]), chain, "invalid_path", /name constraint/);
    const lower = makeAuthority({ subject: [...middleName, ["CN", "Lower"]], issuer: constrained });
    const longer = [makeClient(lower, recipe), lower, constrained];
    await expectRefused(await trustIn([root]), longer, "invalid_path", /name constraint/);
  });
}

Deno.test("verify() holds the constraints of every CA of the path together", async () => {
  const upper = makeAuthority({ subject: "Upper", issuer: root, permitted: [{ dns: "example.com" }] });
  const lower = makeAuthority({
    subject: "Lower",
    issuer: upper,
    permitted: [{ dns: "org" }, { dns: "a.example.com" }],
  });
  const trust = await trustIn([root]);
  await expectAccepted(trust, [makeClient(lower, dns("x.a.example.com")), lower, upper]);
  for (const name of ["x.org", "b.example.com"]) {
    await expectRefused(
      trust,
      [makeClient(lower, dns(name)), lower, upper],
      "invalid_path",
      /name constraint/,
    );
  }
});

function title(recipe: CertificateRecipe): string {
  return JSON.stringify(recipe, (_key, value) => value instanceof Uint8Array ? value.toHex() : value)
    .replaceAll('"', "");
}
