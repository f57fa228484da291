/** Keys that the registry does not have: the hint, and what is said of the keys of the original. */
import assert from "node:assert/strict";
import { findKeyOfTheOriginal, KEYS_OF_THE_ORIGINAL } from "../../src/config/keys_of_the_original.ts";
import { nearestName } from "../../src/core/nearest_name.ts";
import { visitSchema } from "../../src/config/schema.ts";
import { problemsOf } from "./load_text.ts";

for (
  const [line, expected] of [
    ["server.prot = 1", 'server.prot: unknown key, did you mean "server.port"?'],
    ["server.PORT = 1", 'server.PORT: unknown key, did you mean "server.port"?'],
    ["servr.port = 1", 'servr: unknown key, did you mean "server"?'],
    ["server.bind_adress = 1", 'server.bind_adress: unknown key, did you mean "server.bind_address"?'],
    ["port = 1", 'port: unknown key, did you mean "server.port"?'],
    ["server.root_dir = 1", 'server.root_dir: unknown key, did you mean "blob_store.fs.root_dir"?'],
    [
      "blob_store.fs.zzz = 1",
      "blob_store.fs.zzz: unknown key, expected one of root_dir, minimum_free_space, verify_on_read, small_blob_limit",
    ],
    [
      'repository."a/b".zzz = 1',
      'repository."a/b".zzz: unknown key, expected one of access_policy, retention_policy, authorization_webhook, immutable_tags, immutable_tags_exclusions, allow_delete_immutable, quota_bytes, quota_manifests, quota_tags, namespace, unprefixed, revalidate_after, on_upstream_error, on_upstream_not_found, offline, upstream',
    ],
    [
      "default_allow = true",
      'default_allow: unknown key, did you mean "global.access_policy.default_allow"?',
    ],
    [
      "server.timeout_ms = 1",
      'server.timeout_ms: unknown key, did you mean "auth.webhook.<name>.timeout_ms"?',
    ],
    [
      "repository.a.acess_policy = {}",
      'repository.a.acess_policy: unknown key, did you mean "repository.a.access_policy"?',
    ],
    [
      "[repository.team.app]",
      'repository.team.app: unknown key; a repository name with "/" or "." in it goes into quotation marks: ' +
      '[repository."team/app"]',
    ],
    [
      "[repository.team.app.web.access_policy]",
      'repository.team.app: unknown key; a repository name with "/" or "." in it goes into quotation marks: ' +
      '[repository."team/app/web"]',
    ],
    [
      "[repository.team]\napp = { web = 1 }",
      'repository.team.app: unknown key; a repository name with "/" or "." in it goes into quotation marks: ' +
      '[repository."team/app"]',
    ],
    [
      '"a\\nb" = 1',
      '"a\\nb": unknown key, expected one of server, blob_store, global, collect, scrub, observability, repository, mirror, auth',
    ],
    [
      '"" = 1',
      '"": unknown key, expected one of server, blob_store, global, collect, scrub, observability, repository, mirror, auth',
    ],
    [
      '"server.port" = 1',
      '"server.port": unknown key, expected one of server, blob_store, global, collect, scrub, observability, repository, mirror, auth',
    ],
    [
      '"global.access_policy" = 1',
      '"global.access_policy": unknown key, expected one of server, blob_store, global, collect, scrub, observability, repository, mirror, auth',
    ],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${line} with the key that was meant`, () => {
    assert.deepEqual(problemsOf(line), [`config.toml:${line.split("\n").length}: ${expected}`]);
  });
}

Deno.test("loadConfig() refuses to start without OpenID Connect, downstreams and a job queue that a file asks for", () => {
  assert.deepEqual(
    problemsOf(`[auth.oidc.github]
issuer = "https://token.example.com"
[global.job_queue]
[[repository."a".downstream]]
url = "https://example.com"`),
    [
      "config.toml:1: auth.oidc: logging in with tokens of an OpenID Connect provider is not supported by this " +
      "version, which refuses to start rather than ignore it",
      "config.toml:3: global.job_queue: a job queue is not supported by this version, " +
      "which refuses to start rather than ignore it",
      "config.toml:4: repository.a.downstream: replicating to a downstream is not supported by this version, " +
      "which refuses to start rather than ignore it",
    ],
  );
});

Deno.test("KEYS_OF_THE_ORIGINAL holds no key that the schema has", () => {
  const known = new Set<string>();
  visitSchema((path) => known.add(path.join(".")));
  const both = [...KEYS_OF_THE_ORIGINAL.keys()].filter((key) => known.has(key));
  assert.deepEqual(both, []);
});

Deno.test("KEYS_OF_THE_ORIGINAL holds only keys whose table the schema has, else the table itself is to be named", () => {
  const known = new Set<string>();
  visitSchema((path, item) => {
    known.add(path.join("."));
    if (item.kind === "named") known.add([...path, "*"].join("."));
  });
  const orphans = [...KEYS_OF_THE_ORIGINAL.keys()].filter((key) => {
    const parent = key.split(".").slice(0, -1).join(".");
    return parent !== "" && !known.has(parent);
  });
  assert.deepEqual(orphans, []);
});

for (const key of KEYS_OF_THE_ORIGINAL.keys()) {
  Deno.test(`loadConfig() has a sentence of its own for ${key}`, () => {
    const problems = problemsOf(`${key.replace("*", '"team/app"')} = 1`);
    const sentence = KEYS_OF_THE_ORIGINAL.get(key)!;
    assert.ok(problems.some((line) => line.endsWith(`: ${sentence}`)), problems.join("\n"));
  });
}

Deno.test("findKeyOfTheOriginal() does not take a name with a dot for two names", () => {
  assert.equal(findKeyOfTheOriginal(["global.access_policy"]), undefined);
  assert.equal(findKeyOfTheOriginal(["repository", "a", "x.y"]), undefined);
});

Deno.test("nearestName() counts a swap of neighbours as one slip, and gives nothing when all are far", () => {
  const names = ["port", "threads", "bind_address"];
  assert.equal(nearestName("prot", names), "port");
  assert.equal(nearestName("thraeds", names), "threads");
  assert.equal(nearestName("bindaddress", names), "bind_address");
  assert.equal(nearestName("p", names), undefined);
  assert.equal(nearestName("", names), undefined);
  assert.equal(nearestName("x".repeat(100_000), names), undefined);
  assert.equal(nearestName("port", []), undefined);
});
