/** The recipes of access-control.md let in and keep out whom their titles say. */
import assert from "node:assert/strict";
import { policySourcesOf } from "../../src/cli/access.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { makeDigest } from "../../src/core/digest.ts";
import { anonymousIdentity, type CertificateFacts, type Identity } from "../../src/core/identity.ts";
import type { Operation } from "../../src/core/operation.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { parseTag } from "../../src/core/tag.ts";
import { AccessPolicies } from "../../src/policy/access_policies.ts";
import { readPage } from "./markdown.ts";
import { readSampleFile, readSampleVariable } from "./sample_files.ts";
import { sourcesOf } from "./toml_sources.ts";

const page = readPage("docs/access-control.md");

function policiesUnder(heading: string): AccessPolicies {
  const [block, ...others] = page.blocks.filter((each) =>
    each.language === "toml" && each.heading === heading
  );
  assert.ok(block !== undefined && others.length === 0, `expected one configuration under "${heading}"`);
  const settings = loadConfig(sourcesOf(page, block), readSampleVariable, readSampleFile);
  return new AccessPolicies(policySourcesOf(settings));
}

const nobody = anonymousIdentity("192.0.2.1");
const user = (username: string): Identity => ({ ...nobody, id: username, username });
const at = (clientIp: string): Identity => anonymousIdentity(clientIp);

function holder(facts: Partial<CertificateFacts>): Identity {
  const certificate: CertificateFacts = {
    commonNames: [],
    organizations: [],
    organizationalUnits: [],
    dnsNames: [],
    emails: [],
    uris: [],
    serial: "1",
    fingerprint: "1".repeat(64),
    issuerCommonNames: ["Example Client CA"],
    notAfter: Date.parse("2100-01-01"),
    ...facts,
  };
  return { ...nobody, certificate };
}

const digest = makeDigest("sha256", "0".repeat(64));
const version: Operation = { action: "get-api-version" };
const catalog: Operation = { action: "list-catalog" };
const pull = (name: string, tag = "latest"): Operation => {
  return { action: "get-manifest", repository: parseRepositoryName(name), reference: reference(tag) };
};
const push = (name: string, tag = "latest"): Operation => {
  const repository = parseRepositoryName(name);
  return { action: "put-manifest", repository, reference: reference(tag), tags: [parseTag(tag)] };
};
/** A push by digest that moves a tag on the side. */
const pushBeside = (name: string, tag: string): Operation => {
  const repository = parseRepositoryName(name);
  return { action: "put-manifest", repository, reference: { kind: "digest", digest }, tags: [parseTag(tag)] };
};
const upload = (name: string): Operation => ({
  action: "start-upload",
  repository: parseRepositoryName(name),
});
const remove = (name: string): Operation => {
  return { action: "delete-manifest", repository: parseRepositoryName(name), reference: reference("latest") };
};
const reference = (tag: string) => ({ kind: "tag", tag: parseTag(tag) }) as const;

type Cases = readonly (readonly [identity: Identity, operation: Operation])[];

function testRecipe(heading: string, allowed: Cases, denied: Cases): void {
  Deno.test(`the configuration under "${heading}" lets in and keeps out whom it says`, () => {
    const policies = policiesUnder(heading);
    for (const [cases, expected] of [[allowed, true], [denied, false]] as const) {
      for (const [identity, operation] of cases) {
        const decision = policies.decide(identity, operation);
        assert.equal(
          decision.allowed,
          expected,
          `${JSON.stringify([identity, operation])}: ${decision.reason}`,
        );
        assert.equal(decision.error, undefined);
      }
    }
  });
}

const ci = user("ci-bot");
const anna = user("anna");
const dev = holder({ commonNames: ["dev"], organizations: ["payments"] });

testRecipe("Who may do what", [
  [{ ...anna, clientIp: "10.20.0.1" }, pull("prod/app")],
  [{ ...anna, clientIp: "10.20.0.1" }, push("dev/app")],
  [{ ...ci, clientIp: "10.20.0.1" }, push("prod/app")],
], [
  [{ ...anna, clientIp: "10.20.0.1" }, push("prod/app")],
  [{ ...ci, clientIp: "10.2.0.1" }, push("prod/app")],
  [at("10.20.0.1"), pull("dev/app")],
]);
testRecipe("How a policy decides", [
  [nobody, version],
  [nobody, pull("public/app")],
  [user("admin"), push("dev/app")],
], [
  [nobody, push("public/app")],
  [nobody, pull("dev/app")],
  [anna, pull("dev/app")],
  [user("admin"), push("public/app")],
]);
testRecipe("Tokens: pull without login, push with", [
  [nobody, version],
  [nobody, pull("dev/app")],
  [ci, push("dev/app")],
], [[nobody, upload("dev/app")], [anna, push("dev/app")], [nobody, catalog]]);
testRecipe("CI pushes, everybody who is known pulls", [
  [ci, push("a")],
  [ci, remove("a")],
  [anna, version],
  [anna, pull("a")],
  [dev, pull("a")],
], [[nobody, pull("a")], [nobody, version], [anna, push("a")], [dev, upload("a")]]);
testRecipe("CI may push, and neither delete nor list", [
  [holder({ commonNames: ["ci-bot"] }), push("a")],
  [holder({ commonNames: ["ci-bot"] }), upload("a")],
], [
  [holder({ commonNames: ["ci-bot"] }), remove("a")],
  [holder({ commonNames: ["ci-bot"] }), catalog],
  [dev, pull("a")],
]);
testRecipe("Each team has a folder of its own", [
  [dev, version],
  [dev, push("payments/app")],
  [dev, remove("payments/app")],
], [
  [dev, pull("payments-internal/app")],
  [dev, pull("payments")],
  [dev, pull("shop/app")],
  [dev, catalog],
  [nobody, version],
]);
testRecipe("By department (OU), by issuer, by one certificate", [
  [holder({ organizationalUnits: ["Release Engineering"] }), push("a")],
  [holder({ issuerCommonNames: ["Build CA"] }), push("ci/app")],
  [holder({ uris: ["spiffe://example.com/ci/runner"] }), push("a")],
], [
  [holder({ organizations: ["Release Engineering"] }), push("a")],
  [holder({ issuerCommonNames: ["Build CA"] }), push("prod/app")],
  [holder({ uris: ["spiffe://example.com.evil/ci/"] }), push("a")],
  [nobody, push("ci/app")],
]);
testRecipe("Certificate and password, both", [
  [{ ...anna, certificate: dev.certificate }, push("a")],
], [[anna, push("a")], [dev, push("a")], [nobody, version]]);
testRecipe("By address", [
  [at("10.20.0.1"), pull("a")],
  [at("127.0.0.1"), push("a")],
], [[at("10.20.0.1"), push("a")], [at("10.2.0.1"), pull("a")], [at("10.200.0.1"), pull("a")]]);
testRecipe("Read only", [[nobody, pull("a")], [nobody, catalog]], [[ci, push("a")], [ci, remove("a")]]);
testRecipe("Release tags only by the release team", [
  [dev, push("prod/app", "latest")],
  [dev, push("dev/app", "v1.0")],
  [dev, pull("prod/app", "v1.0")],
  [holder({ organizations: ["Release"] }), push("prod/app", "v1.0")],
  [holder({ organizations: ["Release"] }), remove("prod/app")],
], [
  [dev, push("prod/app", "v1.0")],
  [dev, pushBeside("prod/app", "v1.0")],
  [dev, remove("prod/app")],
  [anna, pull("prod/app")],
]);
testRecipe("Whoever is known may do everything but delete", [
  [anna, push("a")],
  [dev, push("a")],
], [[anna, remove("a")], [nobody, pull("a")]]);
testRecipe("A public corner", [
  [nobody, version],
  [nobody, pull("public/app")],
  [anna, push("private/app")],
], [[nobody, push("public/app")], [nobody, pull("private/app")], [nobody, pull("publicity/app")]]);
